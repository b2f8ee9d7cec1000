"""A table as lines of a screen: no wider than it, and no figure cut, however narrow it is."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from .table import Table

_GAP = "  "


class Grid(NamedTuple):
    """Lines of headings, and a line for each row."""

    headings: list[str]
    rows: list[str]


class Block(NamedTuple):
    """A row by itself: its words, and a line for each of its figures."""

    label: str
    figures: list[str]


def grid(table: Table, width: int | None = None) -> Grid:
    """Words at the left and figures at the right of their columns. Headings are in one line, or in
    several where they would be too wide."""
    is_folded = width is not None and _total(table, is_folded=False) > width
    widths = _widths(table, is_folded)
    headings = [_heading(table, i, is_folded) for i in range(len(table.columns))]
    deepest = max(map(len, headings), default=0)
    lines = [[""] * (deepest - len(heading)) + heading for heading in headings]
    return Grid(
        [_line(texts, widths, table.left) for texts in zip(*lines, strict=True)],
        [_line(row, widths, table.left) for row in table.rows],
    )


def fits(table: Table, width: int | None, is_folded: bool = True) -> bool:
    """Whether there is room for it, with its headings in several lines or in one."""
    return width is None or _total(table, is_folded) <= width


def picked(table: Table, indexes: Iterable[int]) -> Table:
    """Of these columns only."""
    kept = sorted(indexes)
    return Table(
        [table.columns[i] for i in kept],
        [[row[i] for i in kept] for row in table.rows],
        sum(i < table.left for i in kept),
    )


def narrowed(table: Table, ranks: Sequence[int], width: int | None, wanted: int) -> Table:
    """As many columns as there is room for, those of the lowest rank before others. Headings are
    folded for the sake of ranks up to `wanted` only."""
    kept: set[int] = set()
    for index in sorted(range(len(ranks)), key=ranks.__getitem__):
        if fits(picked(table, kept | {index}), width, is_folded=ranks[index] <= wanted):
            kept.add(index)
    return picked(table, kept)


def parts(table: Table, width: int | None) -> list[Table]:
    """All columns, in as many tables as it takes, each of which begins with the words."""
    words = list(range(table.left))
    found: list[list[int]] = [words.copy()]
    for index in range(table.left, len(table.columns)):
        if len(found[-1]) > len(words) and not fits(picked(table, [*found[-1], index]), width):
            found.append(words.copy())
        found[-1].append(index)
    return [picked(table, indexes) for indexes in found]


def blocks(table: Table) -> list[Block]:
    """One below the other, for a screen that is too narrow for a table."""
    titles = table.columns[table.left :]
    widest = max(map(cell_len, titles), default=0)
    return [
        Block(
            _GAP.join(row[: table.left]),
            [
                f"{_padded(title, widest)}{_GAP}{text.strip()}"
                for title, text in zip(titles, row[table.left :], strict=True)
            ],
        )
        for row in table.rows
    ]


def wrapped(text: str, width: int | None, indent: str = "") -> str:
    """A sentence in lines of at most this width, broken between words only; those that follow are
    indented."""
    if width is None:
        return text
    return textwrap.fill(
        text, max(width, len(indent) + 1), subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _heading(table: Table, index: int, is_folded: bool) -> list[str]:
    title = table.columns[index]
    if not is_folded:
        return [title]
    words = title.replace("=", "= ").split()  # such as "to accuracy=0.74"
    widest = max(map(cell_len, [*words, *(row[index] for row in table.rows)]), default=1)
    lines = [""]
    for word in words:
        gap = " " if lines[-1] and not lines[-1].endswith("=") else ""
        if lines[-1] and cell_len(lines[-1] + gap + word) > widest:
            lines.append(word)
        else:
            lines[-1] += gap + word
    return lines


def _widths(table: Table, is_folded: bool) -> list[int]:
    return [
        max(map(cell_len, [*_heading(table, i, is_folded), *(row[i] for row in table.rows)]))
        for i in range(len(table.columns))
    ]


def _total(table: Table, is_folded: bool) -> int:
    widths = _widths(table, is_folded)
    return sum(widths) + len(_GAP) * max(0, len(widths) - 1)


def _line(texts: Sequence[str], widths: Sequence[int], left: int) -> str:
    parts = [
        _padded(text, width) if i < left else " " * (width - cell_len(text)) + text
        for i, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return _GAP.join(parts).rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
