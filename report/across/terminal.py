"""The table across experiments on a terminal: as many backends side by side as it is wide, the
others below, and no figure cut."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from compare.archive.across import CrossTable
from compare.reporting.showing import View

from .blocks import (
    Block,
    Cell,
    blocks,
    figures,
    legend,
    lines_of_label,
    sentences,
    software,
    title,
    verdict,
)

_WIDTH_OF_A_PIPE = 300  # nobody's window: leave rows whole
_INDENT = 2
_LEAST_NAME, _MOST_NAME = 16, 28  # columns of the terminal, of which the rest is for figures


def render(table: CrossTable, view: View) -> str:
    return printed(
        [
            Text(title(table), style="italic"),
            *side_by_side(table.columns, blocks(table, figures(view.columns))),
            _lines(sentences(table)),
            *([_lines(software(table), "dim")] if view.verbose else []),
            _lines(legend(table), "dim"),
            Text("\n".join(verdict(table)), style="bold"),
        ]
    )


def printed(parts: Sequence[RenderableType]) -> str:
    console = terminal()
    with console.capture() as capture:
        console.print(Group(*parts))
    return capture.get()


def side_by_side(columns: Sequence[str], found: Sequence[Block]) -> list[RenderableType]:
    """The blocks as one table, or as several of fewer columns where one would be too wide; nothing
    where no cell has a figure."""
    if not found:
        return []
    console, tables = terminal(), list[RenderableType]()
    left = list(range(len(columns)))
    while left:
        count = len(left)
        while count > 1 and not _fits(console, _drawn(columns, found, left[:count])):
            count -= 1
        tables += ["", _drawn(columns, found, left[:count])]
        left = left[count:]
    return [*tables, ""]


def terminal() -> Console:
    """As wide as the terminal, and in a pipe as wide as what is printed."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_A_PIPE)


def _fits(console: Console, table: Table) -> bool:
    unbounded = console.options.update(width=10_000)  # else it is said to be as wide as there is
    return console.measure(table, options=unbounded).minimum <= console.width


def _drawn(columns: Sequence[str], found: Sequence[Block], which: Sequence[int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    rows = [row for block in found for row in block.rows]
    table.add_column("", overflow="fold", min_width=_least([row.name for row in rows]))
    for index in which:
        heading = lines_of_label(columns[index])
        texts = [*heading, *(row.cells[index].text for row in rows)]
        table.add_column(
            Text("\n".join(heading), justify="right"),
            justify="right", no_wrap=True, min_width=max(map(cell_len, texts)),
        )  # fmt: skip
    for block in found:
        table.add_row(Text(block.title, style="bold"))
        for row in block.rows:
            name = Text(row.name, style="bold" if row.is_mean else "")
            cells = (_cell(row.cells[index]) for index in which)
            table.add_row(Padding(name, (0, 0, 0, _INDENT)), *cells)
    return table


def _least(names: Sequence[str]) -> int:
    """The width that names are never given less than: that of their words, if it is not much."""
    longest, words = max(map(cell_len, names)), max(cell_len(w) for n in names for w in n.split())
    return _INDENT + min(longest, max(words, _LEAST_NAME), _MOST_NAME)


def _cell(cell: Cell) -> Text:
    style = Style(link=cell.link or None, bold=cell.best or None)
    return Text(cell.text, style=style + Style(color="red") if cell.bad else style)


def _lines(lines: Sequence[str], style: str = "") -> Text:
    return Text("\n".join([*lines, ""]), style=style)
