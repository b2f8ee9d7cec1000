"""What every run under a folder measured, per experiment and backend, in the order of time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from compare.archive.brief import CellFigures, RunFigures, brief_of
from compare.errors import UserError, shown
from compare.findings.number_text import count_of
from compare.records.differences import upgrades
from compare.records.record_types import Status
from compare.records.run_folders import run_folders
from compare.records.values import Estimate, labelled
from compare.stats.intervals import independent_ratio


class HistoryRow(BaseModel):
    """One cell of one run. Nats, bytes and seconds; null is what was not measured.

    `run` is the run's folder, relative to the one that was read; `machine` a line that tells
    machines apart, and how many of its threads were used; `doubt` why the rate cannot be relied
    on. `upgrade` marks other versions than those of the row before of the same series, such as
    "torch 2.12.1 -> 2.13.0"; `ratio_to_before` is the rate over that of the last row of the series
    which was timed with those earlier versions.
    """

    model_config = ConfigDict(ser_json_inf_nan="null")

    run: str
    started: datetime
    task: str
    preset: str
    experiment: str
    machine: str
    backend: str
    mode: str
    ranks: int = 1
    status: Status
    doubt: str = ""
    versions: dict[str, str]
    upgrade: str = ""
    tokens_per_second: Estimate | None
    ratio_to_before: Estimate | None = None
    step_seconds: float | None
    peak_memory_bytes: int | None
    validation_loss: float | None

    @property
    def label(self) -> str:
        return labelled(self.backend, self.mode, self.ranks)

    @property
    def series(self) -> tuple[str, ...]:
        """Rows of equal series are the same training in the same place, at different times.
        `experiment` is the first twelve digits of a fingerprint."""
        return (self.task, self.experiment, self.machine, self.label)


class History(BaseModel):
    """`rows` series by series, in each the oldest first; `unreadable` has a line for each folder
    that could not be read, or not whole, `copies` one for each run whose records other folders
    hold too, which are left out."""

    folder: str
    rows: list[HistoryRow]
    unreadable: list[str]
    copies: list[str] = []


def read_history(
    folder: Path,
    task: str = "",
    backends: Sequence[str] = (),
    wanted: Callable[[Path], bool] = lambda run: True,
) -> History:
    """The history of the runs under a folder that are `wanted`, sweeps' points among them.

    `backends` are names, with a mode or without; none stands for all. Raises UserError where
    there is no such folder; runs in it that cannot be read are told, and left out.
    """
    if not folder.is_dir():
        raise UserError(f"'{folder}' is no folder")
    rows, unreadable = list[HistoryRow](), list[str]()
    known: dict[str, list[Path]] = {}

    def not_listed(error: OSError) -> None:
        unreadable.append(f"'{error.filename}' cannot be read: {error.strerror}")

    for path in filter(wanted, run_folders(folder, into_sweeps=True, unreadable=not_listed)):
        try:
            figures, problems, sha = brief_of(path)
        except UserError as error:
            unreadable.append(str(error))
            continue
        known.setdefault(sha, []).append(path)
        if len(known[sha]) > 1:
            continue
        unreadable += [f"'{path}': {problem}" for problem in problems]
        if not task or figures.experiment.task == task:
            rows += _rows(shown(path.relative_to(folder).as_posix()), figures, backends)
    return History(
        folder=shown(str(folder)), rows=in_series(rows), unreadable=list(map(shown, unreadable)),
        copies=[shown(_copies(*same)) for same in known.values() if len(same) > 1],
    )  # fmt: skip


def _copies(first: Path, copy: Path, *more: Path) -> str:
    told = (
        f"'{copy}' and {count_of(len(more), 'other')} are copies" if more else f"'{copy}' is a copy"
    )
    return f"{told} of '{first}', which counts once"


def in_series(rows: Iterable[HistoryRow]) -> list[HistoryRow]:
    """Rows series by series, each in the order of time, with what changed between them."""
    ordered = sorted(rows, key=lambda row: (row.series, row.started, row.run))
    return [
        row
        for _, series in groupby(ordered, key=lambda row: row.series)
        for row in _changes(series)
    ]


def _changes(series: Iterable[HistoryRow]) -> Iterator[HistoryRow]:
    versions: dict[str, str] = {}
    timed: HistoryRow | None = None  # the last one of these versions
    before: HistoryRow | None = None  # the last one of the versions before them
    for row in series:
        changes: dict[str, Any] = {}
        if row.versions and row.versions != versions:
            changes["upgrade"] = upgrades(versions, row.versions) if versions else ""
            versions, before, timed = row.versions, timed or before, None
        if row.status == "ok" and row.tokens_per_second:
            timed = row
            if before and before.tokens_per_second:
                rates = row.tokens_per_second.interval(), before.tokens_per_second.interval()
                changes["ratio_to_before"] = Estimate.of(independent_ratio(*rates))
        yield row.model_copy(update=changes)


def _rows(run: str, figures: RunFigures, backends: Sequence[str]) -> Iterator[HistoryRow]:
    for cell in figures.cells:
        if backends and cell.backend not in backends and cell.label not in backends:
            continue
        yield HistoryRow(
            run=run,
            started=figures.environment.started,
            task=figures.experiment.task,
            preset=figures.preset,
            experiment=figures.fingerprint[:12],
            machine=_machine(figures, cell),
            backend=cell.backend,
            mode=cell.mode,
            ranks=cell.ranks,
            status=cell.status,
            doubt=cell.doubt,
            versions=cell.versions,
            tokens_per_second=cell.tokens_per_second,
            step_seconds=cell.step_seconds,
            peak_memory_bytes=cell.peak_memory_bytes,
            validation_loss=cell.validation_loss,
        )


def _machine(figures: RunFigures, cell: CellFigures) -> str:
    found = figures.environment
    device = f", {cell.device}" if cell.device not in (None, "cpu") else ""
    counts = {"CPU": found.cpus, "thread": found.threads}
    known = [count_of(count, of) for of, count in counts.items() if isinstance(count, int)]
    return ", ".join([found.cpu, *known]) + device
