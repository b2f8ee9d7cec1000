"""The answers in LaTeX, to be read by \\input: a table of five columns for a column of a paper, and
all other columns in a second one, as wide as the text; takes booktabs, graphicx and siunitx."""

from collections.abc import Sequence

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.findings.summary import Summary

from . import answers, latex_columns, layout, sweep_words, table, verdict, words
from .across import latex as across
from .latex_text import escaped
from .table import Table

_PREAMBLE = r"""% \usepackage{booktabs,graphicx,siunitx}
\providecommand{\comparefit}[2]{% no wider than #1
  \sbox0{#2}\ifdim\wd0>#1\resizebox{#1}{!}{\usebox0}\else\usebox0\fi}
"""
_CHARACTERS = 104  # of a line as wide as the text of two columns, in small type


class LatexReport:
    name = "latex"
    filename = "report.tex"
    by_default = False

    def render(self, summary: Summary) -> str:
        said = [
            *verdict.sentences(summary),
            f"{answers.computation(summary)} {answers.scores(summary)}",
            *words.first_sentences(summary),
        ]
        others = [c for c in table.offered([summary]) if c.title not in latex_columns.LEFT_OUT]
        rest = table.table_of(others, table.ordered_rows(summary), left=1)
        caption, label = answers.headline(summary), _plain(summary.run_id)
        return "\n".join(
            [
                _PREAMBLE,
                *_float(
                    "table", caption, label, [latex_columns.tabular(summary)],
                    said, r"\columnwidth",
                ),
                "",
                *_float(
                    "table*", f"All figures of {words.title(summary)}", f"{label}-all",
                    [_tabular(part) for part in layout.parts(rest, _CHARACTERS)],
                    words.about(summary), r"\textwidth",
                ),
            ]
        )  # fmt: skip

    def render_sweep(self, sweep: SweepSummary) -> str:
        scaling, label = table.scaling_table(sweep), _plain(sweep.run_id)
        points = _tabular(table.sweep_table(sweep))
        said = [*sweep_words.verdicts(sweep), *words.sweep_sentences(sweep)]
        lines = _float("table*", words.sweep_title(sweep), label, [points], said, r"\textwidth")
        if scaling:
            how = "How cost grows with size"
            lines += ["", *_float("table", how, f"{label}-scaling", [_tabular(scaling)], [],
                                  r"\columnwidth")]  # fmt: skip
        return "\n".join([_PREAMBLE, *lines])

    def render_across(self, table: CrossTable) -> str:
        return across.render(table)


def _float(
    kind: str,
    caption: str,
    label: str,
    tabulars: Sequence[Sequence[str]],
    said: Sequence[str],
    width: str,
) -> list[str]:
    """Caption, tables, each no wider than `width`, and what is said about them below."""
    return [
        rf"\begin{{{kind}}}",
        r"  \centering",
        rf"  \caption{{{escaped(caption)}}}",
        rf"  \label{{tab:{label}}}",
        r"  \footnotesize\setlength{\tabcolsep}{3pt}",
        *(line for tabular in tabulars for line in _fitted(tabular, width)),
        *_below(said, width),
        rf"\end{{{kind}}}",
        "",
    ]


def _fitted(tabular: Sequence[str], width: str) -> list[str]:
    return [
        r"  \par\smallskip",
        rf"  \comparefit{{{width}}}{{%",
        *(f"  {line}" for line in tabular),
        r"  }",
    ]


def _tabular(shown: Table) -> list[str]:
    right = len(shown.columns) - shown.left
    return [
        rf"\begin{{tabular}}{{{'l' * shown.left}{'r' * right}}}",
        r"  \toprule",
        _row(shown.columns),
        r"  \midrule",
        *map(_row, shown.rows),
        r"  \bottomrule",
        r"\end{tabular}%",
    ]


def _below(said: Sequence[str], width: str) -> list[str]:
    """A line each, from the left: \\centering would hold for them too."""
    if not said:
        return []
    return [
        r"  \par\medskip",
        rf"  \begin{{minipage}}{{{width}}}\raggedright",
        *(rf"    {escaped(line)}\par" for line in said),
        r"  \end{minipage}",
    ]


def _row(texts: Sequence[str]) -> str:
    return f"  {' & '.join(map(escaped, texts))} \\\\"


def _plain(label: str) -> str:
    return "".join(mark if mark.isascii() and mark.isalnum() else "-" for mark in label)


report = LatexReport()
