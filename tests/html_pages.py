"""What pages are made of in tests: runs that took place, as they are and in the ugliest way."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from conftest import STORED

from compare.archive.history import History, HistoryRow, in_series
from compare.archive.scaling import SweepSummary, SweptPoint, scalings
from compare.findings.note import Note
from compare.findings.summary import Summary, summarise
from compare.records.run_folder import RunFolder
from compare.records.values import Estimate

UGLY = '</script><script>window.hurt = 1</script> "it\'s" \n<b>&amp;\u2028 é'
PLOTS = ["throughput", "windows", "loss", "parity", "memory", "cold-start"]


@cache
def reference(name: str) -> Summary:
    """A run of tests/runs."""
    return summarise(RunFolder(STORED / name).records())


def ugly(summary: Summary) -> Summary:
    """The same with text that would be code wherever it is not escaped."""
    first, *others = summary.cells
    changes = {"backend": UGLY, "reason": UGLY, "log_tail": UGLY, "status": "failed"}
    return summary.model_copy(
        update={
            "cells": [first.model_copy(update=changes), *others],
            "notes": [Note(grade="breaks", text=UGLY)],
            "command": ["compare", UGLY],
        }
    )


def swept(summary: Summary, axes: dict[str, list[Any]]) -> SweepSummary:
    """A sweep of which every point has the same figures, but for steps that take longer."""
    (field, values), = axes.items()  # fmt: skip
    points = []
    for value in values:
        cells = [
            cell.model_copy(update={"step_seconds": (cell.step_seconds or 1) * (1 + value)})
            for cell in summary.cells
        ]
        at = summary.model_copy(update={"cells": cells})
        points.append(SweptPoint(name=f"x={value}", values={field: value}, summary=at))
    return SweepSummary(
        run_id="swept", command=["compare"], axes=axes, points=points,
        scaling=scalings(axes, points),
    )  # fmt: skip


def history() -> History:
    """Of four days, with an upgrade in the middle."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        HistoryRow(
            run=f"run{day}", started=began + timedelta(days=day), task="lm", preset="tiny",
            experiment="abc", machine="a machine", backend=UGLY, mode="m", status="ok",
            versions={"library": f"{day // 2}.0"}, step_seconds=0.1, peak_memory_bytes=10**8,
            validation_loss=2.0,
            tokens_per_second=Estimate(value=100.0 + day, low=99.0 + day, high=101.0 + day),
        )
        for day in range(4)
    ]  # fmt: skip
    return History(folder="results", rows=in_series(rows), unreadable=[UGLY])
