"""A sweep as a table across its points: values down, backends across."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from compare.archive.across import Played, across
from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING, number
from compare.findings.summary import Summary

from ..sweep_words import value_text
from .blocks import Block, Cell, Row, blocks, legend


class Points(NamedTuple):
    """The columns and blocks of a sweep's first points, and what they need to be read."""

    columns: list[str]
    blocks: list[Block]
    legend: list[str]


def points_of(sweep: SweepSummary, most: int) -> Points:
    played = {
        value_text(point.values): point.summary for point in sweep.points[:most] if point.summary
    }
    if not played:
        return Points([], [], [])
    runs = [Played(summary, {}) for summary in played.values()]
    table = across(runs, called=list(played))
    found = blocks(table)
    if "run.threads" in sweep.axes:
        found.append(_block("busy threads", played, table.columns, lambda c: c.busy_threads, "{}"))
        found.append(_block("cores used", played, table.columns, lambda c: c.cores_used, "{:.2f}"))
    return Points(table.columns, found, legend(table))


def _block(
    title: str,
    played: dict[str, Summary],
    columns: Sequence[str],
    figure: Callable[[CellSummary], float | None],
    form: str,
) -> Block:
    rows = []
    for name, summary in played.items():
        texts = {cell.label: number(figure(cell), form) for cell in summary.cells}
        rows.append(Row(name, [Cell(texts.get(label, NOTHING)) for label in columns]))
    return Block(title, rows)
