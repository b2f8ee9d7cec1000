"""What a column of a table is, and how the texts of one are made."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING
from compare.findings.summary import Summary
from compare.records.values import Estimate

from . import forms
from .forms import Form


class Row(NamedTuple):
    """A backend in a mode, of one of the runs that a table is of."""

    summary: Summary
    cell: CellSummary


Texts = Callable[[Sequence[Row]], list[str]]
"""Writes all rows at once: the figures of one column have one form"""


class Column(NamedTuple):
    """`texts` has figures with their intervals, `short` (where it is another) without them or with
    a margin. `meaning` is for the legend, empty where the title says it. A screen that is too
    narrow keeps the columns of the lowest `rank`. An `optional` one is left out where no row has a
    figure."""

    title: str
    texts: Texts
    meaning: str = ""
    short: Texts | None = None
    rank: int = 0
    optional: bool = False


# What a narrow screen keeps. A step goes before memory, since the rate tells it too; losses are
# told in a sentence; costs have a table of their own.
ALWAYS, ASKED_FOR, QUALITY, MEMORY, STEP, MORE_QUALITY, MORE, LOSSES, COSTS, NEVER = range(10)


_PART = 100


def rows_of(summaries: Iterable[Summary]) -> list[Row]:
    return [Row(summary, cell) for summary in summaries for cell in summary.cells]


def filled(columns: Iterable[Column], rows: Sequence[Row]) -> list[Column]:
    """Those in which any row has a figure."""
    return [column for column in columns if is_filled(column, rows)]


def is_filled(column: Column, rows: Sequence[Row]) -> bool:
    """Whether any row has a figure: a sweep has thousands, and mostly the first ones tell."""
    parts = (rows[first : first + _PART] for first in range(0, len(rows), _PART))
    return any(text != NOTHING for part in parts for text in column.texts(part))


def each(text: Callable[[CellSummary], str]) -> Texts:
    """Words of each row."""
    return lambda rows: [text(row.cell) for row in rows]


def figures(value: Callable[[CellSummary], float | None], form: Form) -> Texts:
    """A figure of each row."""
    return lambda rows: form([value(row.cell) for row in rows])


def estimates(value: Callable[[CellSummary], Estimate | None], form: Form) -> Texts:
    """A figure of each row with the ends of its interval."""
    return lambda rows: forms.with_ends([value(row.cell) for row in rows], form)


def values(value: Callable[[CellSummary], Estimate | None], form: Form) -> Texts:
    """The same without them."""
    return figures(lambda c: found.value if (found := value(c)) else None, form)


def phase(title: str, name: str, rank: int, meaning: str = "") -> Column:
    """Seconds of one phase."""
    texts = figures(lambda c: c.phases.get(name), forms.duration)
    return Column(title, texts, meaning, rank=rank, optional=rank == COSTS)


def doubted(texts: Texts) -> Texts:
    """With a mark where the rate cannot be relied on, for which all others leave room."""

    def marked(rows: Sequence[Row]) -> list[str]:
        is_marked = any(row.cell.doubt for row in rows)
        return [
            text + (" ?" if row.cell.doubt else "  ") if is_marked and text != NOTHING else text
            for row, text in zip(rows, texts(rows), strict=True)
        ]

    return marked
