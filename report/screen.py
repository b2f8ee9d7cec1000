"""Rows on a screen: a table where there is room for one, else a block for each row.

`width` is in characters, None where no line need be broken: in a pipe.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from compare.findings.cell_summary import CellSummary

from . import layout
from .column import ALWAYS, LOSSES, MEMORY, MORE_QUALITY, STEP, Column, Row
from .table import Table, table_of

INDENT = "  "
_STYLES = {"skipped": "dim", "failed": "red", "parity_failed": "red", "interrupted": "red"}
_NEEDED = (ALWAYS, MEMORY, STEP)  # what a table is not worth having without
_FARTHEST = 24  # that the reason of a failure stands to the right, in its second line


class Line(NamedTuple):
    """A line, with what rich is to make of it."""

    text: str
    style: str = ""


def at_a_glance(
    columns: Sequence[Column], rows: Sequence[Row], width: int | None
) -> Iterator[Line]:
    """The columns that count most, as many as there is room for; in a pipe, those that a task
    brings. Costs are not among them."""
    most = MORE_QUALITY if width is None else LOSSES
    shown = [column for column in columns if column.rank <= most]
    whole, cells = table_of(shown, rows, left=1, short=True), [row.cell for row in rows]
    needed = [i for i, column in enumerate(shown) if column.rank in _NEEDED]
    if layout.fits(layout.picked(whole, needed), _inner(width)):
        ranks = [column.rank for column in shown]
        yield from _grid(layout.narrowed(whole, ranks, _inner(width), MORE_QUALITY), cells, width)
    else:
        few = [i for i, column in enumerate(shown) if column.rank <= STEP]
        yield from _blocks(layout.picked(whole, few), cells, width)


def all_of(
    columns: Sequence[Column], rows: Sequence[Row], width: int | None, told: bool = False
) -> Iterator[Line]:
    """All of these columns, in tables one below the other where there is no room for one. How the
    rows ended is said once."""
    whole, cells = table_of(columns, rows, left=1), [row.cell for row in rows]
    parts = layout.parts(whole, _inner(width))
    if not all(layout.fits(part, _inner(width)) for part in parts):
        yield from _blocks(whole, cells, width)
        return
    for index, part in enumerate(parts):
        if index:
            yield Line("")
        yield from _grid(part, cells, width, told or index > 0)


def plain(shown: Table, width: int | None) -> Iterator[Line]:
    """A table that is not of cells."""
    parts = layout.parts(shown, _inner(width))
    if not all(layout.fits(part, _inner(width)) for part in parts):
        for block in layout.blocks(shown):
            yield Line(INDENT + block.label, "bold")
            yield from (Line(2 * INDENT + figure) for figure in block.figures)
        return
    for part in parts:
        drawn = layout.grid(part, _inner(width))
        yield from (Line(INDENT + heading, "dim") for heading in drawn.headings)
        yield from (Line(INDENT + row) for row in drawn.rows)


def sentences(lines: Iterable[str], width: int | None, style: str = "") -> Iterator[Line]:
    """Each broken between words where it has to be."""
    return (Line(layout.wrapped(line, width, INDENT), style) for line in lines)


def _grid(
    shown: Table, cells: Sequence[CellSummary], width: int | None, told: bool = False
) -> Iterator[Line]:
    """The rows, and how those ended that did not go well, unless it was `told` before."""
    drawn = layout.grid(shown, _inner(width))
    yield from (Line(INDENT + heading, "dim") for heading in drawn.headings)
    longest = max(map(cell_len, [shown.columns[0], *(row[0] for row in shown.rows)]))
    for cell, row in zip(cells, drawn.rows, strict=True):
        style = _STYLES.get(cell.status, "")
        if _has_figures(cell):
            yield Line(INDENT + row, style)
            yield from _why(cell, width, style) if cell.reason and not told else ()
        elif not told:
            label = cell.label + " " * (longest - cell_len(cell.label))
            indent = " " * min(longest + 2 * len(INDENT), _FARTHEST)
            text = f"{INDENT}{label}{INDENT}{_ending(cell)}"
            yield Line(layout.wrapped(text, width, indent), style)


def _blocks(shown: Table, cells: Sequence[CellSummary], width: int | None) -> Iterator[Line]:
    for cell, block in zip(cells, layout.blocks(shown), strict=True):
        style = _STYLES.get(cell.status, "")
        yield Line(INDENT + block.label, style or "bold")
        if _has_figures(cell):
            yield from (Line(2 * INDENT + figure, style) for figure in block.figures)
        yield from _why(cell, width, style)


def _has_figures(cell: CellSummary) -> bool:
    return cell.status == "ok" or cell.tokens_per_second is not None


def _why(cell: CellSummary, width: int | None, style: str) -> Iterator[Line]:
    """How a row ended that did not go well."""
    if cell.status != "ok":
        yield Line(layout.wrapped(2 * INDENT + _ending(cell), width, 3 * INDENT), style)


def _ending(cell: CellSummary) -> str:
    status = cell.status.replace("_", " ")
    return f"{status}: {cell.reason}" if cell.reason else status


def _inner(width: int | None) -> int | None:
    return None if width is None else width - len(INDENT)
