"""Built-in exporters: one file per tool, each taking the library of its own extra."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from compare.findings.cell_summary import CellSummary
from compare.findings.cells import Cell
from compare.findings.summary import Summary
from compare.records.record_types import AnyRecord, Window, current, header_of


def cells_of(
    summary: Summary, records: Sequence[AnyRecord]
) -> Iterator[tuple[CellSummary, Cell, float]]:
    """Each row of a summary with the records of its cell, and when the run was started, in
    seconds since 1970."""
    kept = current(records)
    header = header_of(kept)
    for row, name in zip(summary.cells, header.cells, strict=True):
        yield row, Cell(name, kept), header.started.timestamp()


def training_seconds(cell: Cell) -> list[float]:
    """How long a cell had trained at the end of each step, compilation included.

    Records hold durations and no times of day: neither the turns of the other cells nor
    evaluations count. Within a window every timed step takes the same.
    """
    steps = [took for window in cell.own_windows for took in _steps(window)]
    return list(accumulate(steps))


def _steps(window: Window) -> list[float]:
    if not window.losses:
        return []
    timed = window.timed_steps
    lead = len(window.losses) - timed
    before = [window.lead_seconds / lead] * lead if lead else []
    return before + ([window.seconds / timed] * timed if timed else [])


def file_name(text: str) -> str:
    """A name of a run or a cell that file systems take."""
    return "".join(mark if mark.isalnum() or mark in "-_.=," else "-" for mark in text)
