"""The tables that the terminal and Markdown show, and the legend of their columns."""

from collections.abc import Sequence
from typing import NamedTuple

from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING, estimate
from compare.findings.summary import Summary

from .columns import THREADS, Column, costs, results


class Table(NamedTuple):
    """Rows of texts; the first `left` columns are words, the others figures."""

    columns: list[str]
    rows: list[list[str]]
    left: int


def result_table(summary: Summary) -> Table:
    """Losses, quality, speed and memory: one row per backend and mode."""
    return _table(results([summary]), ordered(summary), left=2)


def ordered(summary: Summary) -> list[CellSummary]:
    """The fastest first, by the rates that the table shows; as they were given where no pair can
    be judged, and those that have no ratio behind the others."""
    if all(one.verdict == "not judged" for one in summary.comparisons):
        return summary.cells
    return sorted(
        summary.cells, key=lambda c: -c.ratio_to_fastest.value if c.ratio_to_fastest else 0.0
    )


def cost_table(summary: Summary) -> Table | None:
    """Where the time went and what it took of the machine, of all cells that were timed."""
    timed = [cell for cell in ordered(summary) if cell.step_seconds]
    return _table(_filled(costs(), timed), timed, left=1) if timed else None


def legend(summary: Summary) -> list[str]:
    """What the columns of both tables mean that do not say it themselves; columns of one meaning
    share a line."""
    lines: dict[str, list[str]] = {}
    for column in [*results([summary]), *_filled(costs(), summary.cells)]:
        titles = lines.setdefault(column.meaning, [])
        if column.title not in titles:
            titles.append(column.title)
    lines.pop("", None)
    marked = ["?: measured, and not to be relied on: see the notes"]
    doubted = any(cell.doubt for cell in summary.cells)
    explained = [f"{', '.join(titles)}: {meaning}" for meaning, titles in lines.items()]
    return [*(marked if doubted else []), *explained]


def sweep_legend(sweep: SweepSummary) -> list[str]:
    """The same of a sweep's tables, but for what those of each point have."""
    lines = ["exponent: cost grows as size to its power, with a 95% interval over the points"]
    if "run.threads" in sweep.axes:
        lines += [f"{column.title}: {column.meaning}" for column in THREADS]
    return lines


def _filled(columns: Sequence[Column], cells: Sequence[CellSummary]) -> list[Column]:
    """Those in which any cell has a figure."""
    return [c for c in columns if any(c.text(cell) != NOTHING for cell in cells)]


def sweep_table(sweep: SweepSummary, points: int | None = None) -> Table:
    """The rows of every point, or of the first ones, its values of the swept fields before them."""
    columns = results([point.summary for point in sweep.points if point.summary])
    if "run.threads" in sweep.axes:
        columns += THREADS[::-1]
    not_played = [NOTHING, "not played", *[NOTHING] * (len(columns) - 2)]
    rows = []
    for point in sweep.points[:points]:
        values = [str(point.values[field]) for field in sweep.axes]
        cells = point.summary.cells if point.summary else []
        texts = [[column.text(cell) for column in columns] for cell in cells]
        rows += [values + row for row in texts or [not_played]]
    return Table([*sweep.axes, *(c.title for c in columns)], rows, left=len(sweep.axes) + 2)


def scaling_table(sweep: SweepSummary) -> Table | None:
    """The fitted exponents: cost grows as size to the power of it."""
    rows = [
        [
            f"{one.backend}:{one.mode}",
            one.field,
            {"step_seconds": "step", "peak_memory_bytes": "peak memory"}[one.quantity],
            estimate(one.exponent, "{:.2f}"),
            str(one.points),
        ]
        for one in sweep.scaling
    ]
    titles = ["backend", "field", "cost", "exponent", "points"]
    return Table(titles, rows, left=3) if rows else None


def _table(columns: Sequence[Column], cells: Sequence[CellSummary], left: int) -> Table:
    rows = [[column.text(cell) for column in columns] for cell in cells]
    return Table([column.title for column in columns], rows, left)
