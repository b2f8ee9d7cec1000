"""The table across experiments in LaTeX: one float over both columns of a paper, to be \\input.

Cells are links where the paper loads hyperref, and plain figures where it does not.
"""

from collections.abc import Sequence

from compare.archive.across import CrossTable

from ..latex_text import escaped
from .blocks import (
    Block,
    Cell,
    Row,
    blocks,
    legend,
    lines_of_label,
    sentences,
    software,
    title,
    verdict,
)

_MOST_ABREAST = 5  # backends, in a width of the whole page; more are made smaller
_SYMBOLS = {"≈": r"$\approx$", "±": r"$\pm$"}


def render(table: CrossTable) -> str:
    said = [*verdict(table), *sentences(table), *legend(table), *software(table)]
    count = len(table.columns)
    is_wide = count > _MOST_ABREAST
    lines = [
        "% \\usepackage{booktabs,graphicx}, and hyperref for links",
        r"\providecommand{\href}[2]{#2}",
        r"\begin{table*}",
        r"  \centering",
        rf"  \caption{{{_text(title(table))}}}",
        r"  \label{tab:across}",
        r"  \par\smallskip\footnotesize\setlength{\tabcolsep}{4pt}",
        *([r"  \resizebox{\textwidth}{!}{%"] if is_wide else []),
        rf"  \begin{{tabular}}{{l{'r' * count}}}",
        r"    \toprule",
        *_heading(table.columns),
        *(line for block in blocks(table) for line in _block(block, count)),
        r"    \bottomrule",
        r"  \end{tabular}" + ("}" if is_wide else ""),
        r"  \par\medskip",
        r"  \begin{minipage}{\textwidth}\footnotesize\raggedright",
        *(rf"    {_text(line)}\par" for line in said),
        r"  \end{minipage}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _heading(columns: Sequence[str]) -> list[str]:
    """Backends, and below them their modes."""
    halves = [[*lines_of_label(label), ""][:2] for label in columns]
    return [f"    & {' & '.join(map(_text, half))} \\\\" for half in zip(*halves, strict=True)]


def _block(block: Block, columns: int) -> list[str]:
    head = rf"    \multicolumn{{{columns + 1}}}{{l}}{{\textit{{{_text(block.title)}}}}} \\"
    return [r"    \midrule", head, *map(_row, block.rows)]


def _row(row: Row) -> str:
    return f"    {' & '.join([_text(row.name), *map(_cell, row.cells)])} \\\\"


def _cell(cell: Cell) -> str:
    text = rf"\textbf{{{_text(cell.text)}}}" if cell.best else _text(cell.text)
    return rf"\href{{{_address(cell.link)}}}{{{text}}}" if cell.link else text


def _address(link: str) -> str:
    """Links are quoted for the web: of what TeX minds, nothing but per cent signs is left."""
    return link.replace("%", r"\%")


def _text(text: str) -> str:
    return "".join(_SYMBOLS.get(mark, mark) for mark in escaped(text))
