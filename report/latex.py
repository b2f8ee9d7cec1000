"""The tables in LaTeX: to be read by \\input; takes the packages booktabs and graphicx."""

from collections.abc import Sequence

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.findings.summary import Summary

from . import sweep_words, words
from .table import Table, cost_table, result_table, scaling_table, sweep_table

_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    **{mark: "\\" + mark for mark in "&%$#_{}"},
    "–": "--", "\N{MULTIPLICATION SIGN}": r"$\times$",
}  # fmt: skip


class LatexReport:
    name = "latex"
    filename = "report.tex"
    by_default = False

    def render(self, summary: Summary) -> str:
        said = [*words.verdicts(summary), *words.first_sentences(summary), *words.about(summary)]
        costs = cost_table(summary)
        return _page(
            [
                _table(result_table(summary), words.title(summary), said, summary.run_id),
                *([_table(costs, "What it took", [], f"{summary.run_id}-costs")] if costs else []),
            ]
        )

    def render_sweep(self, sweep: SweepSummary) -> str:
        scaling = scaling_table(sweep)
        title = words.sweep_title(sweep)
        said = [*sweep_words.verdicts(sweep), *words.sweep_sentences(sweep)]
        tables = [_table(sweep_table(sweep), title, said, sweep.run_id)]
        if scaling:
            how = "How cost grows with size"
            tables.append(_table(scaling, how, [], f"{sweep.run_id}-scaling"))
        return _page(tables)

    def render_across(self, table: CrossTable) -> str:
        from .across import latex  # which takes `escaped` from here

        return latex.render(table)


def _page(tables: Sequence[list[str]]) -> str:
    lines = ["% \\usepackage{booktabs,graphicx}"]
    for table in tables:
        lines += ["", *table]
    return "\n".join(lines) + "\n"


def _table(table: Table, caption: str, said: Sequence[str], label: str) -> list[str]:
    """A float as wide as the text: caption, table, and what is said about it below."""
    right = len(table.columns) - table.left
    return [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escaped(caption)}}}",
        rf"  \label{{tab:{_plain(label)}}}",
        r"  \par\smallskip",
        r"  \resizebox{\textwidth}{!}{%",
        rf"  \begin{{tabular}}{{{'l' * table.left}{'r' * right}}}",
        r"    \toprule",
        _row(table.columns),
        r"    \midrule",
        *map(_row, table.rows),
        r"    \bottomrule",
        r"  \end{tabular}}",
        *_below(said),
        r"\end{table}",
    ]


def _below(said: Sequence[str]) -> list[str]:
    """A line each, small, from the left: \\centering would hold for them too."""
    if not said:
        return []
    return [
        r"  \par\medskip",
        r"  \begin{minipage}{\textwidth}\footnotesize\raggedright",
        *(rf"    {escaped(line)}\par" for line in said),
        r"  \end{minipage}",
    ]


def _row(texts: Sequence[str]) -> str:
    return f"    {' & '.join(map(escaped, texts))} \\\\"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is: nothing in it is a command, nor a longer dash."""
    one_line = " ".join(text.split())
    return "".join(_SPECIAL.get(mark, mark) for mark in one_line.replace("--", "-\0-")).replace(
        "\0", "{}"
    )


def _plain(label: str) -> str:
    return "".join(mark if mark.isascii() and mark.isalnum() else "-" for mark in label)


report = LatexReport()
