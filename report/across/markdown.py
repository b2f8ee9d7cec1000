"""The table across experiments as Markdown: a table for each figure, each cell a link."""

from collections.abc import Sequence

from compare.archive.across import CrossTable

from .blocks import Block, Cell, blocks, legend, sentences, software, title, verdict

_ESCAPES = str.maketrans({mark: "\\" + mark for mark in "\\`*_{}[]<>|"} | {"\n": " "})


def render(table: CrossTable) -> str:
    lines = [f"# {escaped(title(table))}", "", *_list(verdict(table))]
    for block in blocks(table):
        lines += [f"## {escaped(block.title)}", "", *_table(table.columns, block)]
    lines += _list(sentences(table))
    return "\n".join([*lines, "## How to read it", "", *_list([*legend(table), *software(table)])])


def _table(columns: Sequence[str], block: Block) -> list[str]:
    head = ["experiment", *columns]
    rows = [[escaped(row.name), *map(_cell, row.cells)] for row in block.rows]
    marks = ["---", *["---:"] * len(columns)]
    return [_row([*map(escaped, head)]), f"|{'|'.join(marks)}|", *map(_row, rows), ""]


def _cell(cell: Cell) -> str:
    text = f"**{escaped(cell.text)}**" if cell.best else escaped(cell.text)
    return f"[{text}]({cell.link})" if cell.link else text


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _list(lines: Sequence[str]) -> list[str]:
    return [f"- {escaped(line)}" for line in lines] + ([""] if lines else [])


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, also inside a table and a link."""
    return text.translate(_ESCAPES)
