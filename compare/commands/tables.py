"""How commands print: as wide as the terminal, and anywhere else as wide as what is printed."""

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_WIDTH_OF_A_PIPE = 400  # nobody's window: leave rows whole
_LEAST_LABEL = 16  # columns of the terminal


def console() -> Console:
    """For stdout. FORCE_COLOR and NO_COLOR say whether there is colour, COLUMNS how wide a terminal
    is; neither makes a terminal of a file, whose rows stay whole."""
    size = shutil.get_terminal_size()  # to rich any dumb terminal is 80 wide, if it is not told
    width = size.columns if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    return Console(width=width, height=size.lines, highlight=False)


def say(text: str) -> None:
    """Print a sentence, broken between its words where a terminal is too narrow for it."""
    console().print(Text(text, overflow="fold"))


def add_words(table: Table, title: str, texts: Iterable[str], most: int) -> None:
    """Add a column of these texts, as wide as they are, or as `most`, and no word of them torn."""
    found = [title, *texts]
    word = max(cell_len(word) for text in found for word in text.split())
    width = max(word, min(most, max(map(cell_len, found))))
    table.add_column(title, overflow="fold", width=width)  # rich keeps no least width, but this


def fits(table: Table) -> bool:
    """Whether no column of it is narrower than it has to be."""
    out = console()
    unbounded = out.options.update(width=10_000)  # else it is said to be as wide as there is
    return out.measure(table, options=unbounded).minimum <= out.width


def print_whole(table: Table) -> None:
    """Print a table as wide as the terminal, or in a pipe as wide as its rows are."""
    console().print(table)


def print_fitting(
    titles: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str]
) -> None:
    """Print rows of a label and figures, none of them cut: as a table, or where the terminal is
    too narrow for one, a block for each row. `styles` are of the rows."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    columns = list(zip(titles, *rows, strict=True))
    widths = [max(map(cell_len, texts)) for texts in columns]
    table.add_column(titles[0], overflow="fold", min_width=min(widths[0], _LEAST_LABEL))
    for title, width in zip(titles[1:], widths[1:], strict=True):
        table.add_column(title, justify="right", no_wrap=True, min_width=width)
    for row, style in zip(rows, styles, strict=True):
        table.add_row(*map(Text, row), style=style)
    shown: RenderableType = table if fits(table) else _blocks(titles, rows, styles)
    out.print(shown)


def _blocks(
    titles: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str]
) -> RenderableType:
    """Each row's label, and below it a figure on each line."""
    width = max(map(len, titles))
    blocks = []
    for (label, *texts), style in zip(rows, styles, strict=True):
        figures = [f"  {t:{width}}  {text}" for t, text in zip(titles[1:], texts, strict=True)]
        blocks.append(Text("\n".join([label, *figures, ""]), style=style))
    return Group(*blocks)


def tell_missing(missing: Mapping[str, str], json: bool) -> None:
    """Which rows there are not, and why: below a table, or beside a document."""
    for label, why in missing.items():
        print(f"{label}: {why}", file=sys.stderr if json else sys.stdout)
