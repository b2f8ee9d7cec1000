"""Records and run folders on a fake clock: every figure is known beforehand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from compare.archive.stored import store
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary, summarise
from compare.planning.plan import Plan, make_plan
from compare.records.record_types import (
    AnyRecord,
    Built,
    Ended,
    Evaluated,
    Header,
    Opened,
    Role,
    Window,
)
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, Request

A, B, C = (CellName(backend=name, mode="m") for name in "abc")
STEPS = 10
START = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = {"cpu": "fake", "cpus": 2, "memory_bytes": 10**9, "system": "Linux", "python": "3.11"}


@cache
def plan() -> Plan:
    request = Request(
        task="lm", preset="tiny", overrides=[{"train": {"steps": STEPS}}],
        backends=["reference"], pythons={},
    )  # fmt: skip
    return make_plan(request, [])


def header(*cells: CellName, **run: Any) -> Header:
    made, now = plan(), datetime.now(UTC)
    return Header(
        run_id="fake", started=now, command=["compare"], preset="tiny", experiment=made.experiment,
        fingerprint=made.experiment.fingerprint(), floor=None,
        run={**made.run_settings(), "threads": 2, **run},  # whatever machine this is
        ceilings={}, metrics=[], machine={"cpu": "fake", "cpus": 2}, environment={},
        cells=list(cells or (A, B)), oracles=[],
    )  # fmt: skip


def window(
    cell: CellName, role: Role, index: int, tokens: int, seconds: float, **more: Any
) -> Window:
    losses = [] if role == "beyond" else [2.0]
    fields = {"round": 1, "lead_seconds": 0.25, "timed_steps": 1, "peak_bytes": 1000} | more
    return Window(
        cell=cell, role=role, index=index, first_step=index, losses=losses, tokens=tokens,
        seconds=seconds, device_peak_bytes=None, **fields,
    )  # fmt: skip


def whole(cell: CellName, windows: Sequence[Window], number: int = 1) -> list[AnyRecord]:
    """Records of a cell that went well."""
    return [
        Opened(cell=cell, round=number, seconds=1.5, memory_bytes=400, versions={}, devices=[]),
        Built(cell=cell, round=number, seconds=0.5, device="cpu"),
        *windows,
        Evaluated(cell=cell, round=number, step=STEPS, loss=1.0, tokens=7, seconds=0.125),
        Ended(cell=cell, round=number, status="ok", process_peak_bytes=5000),
    ]


def told(summary: Summary) -> list[str]:
    return [str(note) for note in summary.notes]


def row(summary: Summary, cell: CellName) -> CellSummary:
    return next(one for one in summary.cells if one.backend == cell.backend)


def steady(cell: CellName, seconds: Sequence[float], **more: Any) -> list[Window]:
    return [window(cell, "steady", i, 100, value, **more) for i, value in enumerate(seconds)]


def played(
    folder: Path, day: int, version: str, seconds: float, cell: CellName = A, **of_header: Any
) -> RunFolder:
    """A run folder as one leaves it behind; `version` is of a library "fast"."""
    first = header(cell).model_copy(
        update={"started": START + timedelta(days=day), "run_id": folder.name, "machine": MACHINE}
        | of_header
    )
    opened, *rest = whole(cell, steady(cell, [seconds, seconds * 1.01, seconds * 0.99]))
    records: list[AnyRecord] = [
        first, opened.model_copy(update={"versions": {"fast": version}}), *rest,
    ]  # fmt: skip
    run = RunFolder(folder).make()
    for record in records:
        run.append(record)
    store(run, summarise(records))
    return run
