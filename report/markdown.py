"""The tables as Markdown."""

import shlex
from collections.abc import Sequence

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.findings.summary import Summary

from . import sweep_words, words
from .across import markdown as across
from .table import (
    Table,
    cost_table,
    legend,
    result_table,
    scaling_table,
    sweep_legend,
    sweep_table,
)

_ESCAPES = str.maketrans({mark: "\\" + mark for mark in "\\`*_{}[]<>|"} | {"\n": " "})


class MarkdownReport:
    name = "markdown"
    filename = "report.md"
    by_default = True

    def render(self, summary: Summary) -> str:
        costs = cost_table(summary)
        return _page(
            words.title(summary),
            [
                *_table(result_table(summary)),
                *_list(words.verdicts(summary)),
                *_list(words.first_sentences(summary)),
                *(["## What it took", "", *_table(costs)] if costs else []),
                *_list(words.about(summary)),
                *(
                    line
                    for heading, lines in words.lesser(summary)
                    for line in (f"## {heading}", "", *_list(lines))
                ),
                *_logs(summary),
            ],
            legend(summary),
            words.environment(summary),
            summary.command,
        )

    def render_sweep(self, sweep: SweepSummary) -> str:
        scaling = scaling_table(sweep)
        played = next((point.summary for point in sweep.points if point.summary), None)
        return _page(
            words.sweep_title(sweep),
            [
                *_list(sweep_words.verdicts(sweep)),
                *_table(sweep_table(sweep)),
                *(["## How cost grows with size", "", *_table(scaling)] if scaling else []),
                *_list(words.sweep_sentences(sweep)),
            ],
            [*sweep_legend(sweep), *(legend(played) if played else [])],
            words.environment(played) if played else [],
            sweep.command,
        )

    def render_across(self, table: CrossTable) -> str:
        return across.render(table)


def _page(
    title: str,
    body: Sequence[str],
    legend: Sequence[str],
    environment: Sequence[str],
    command: Sequence[str],
) -> str:
    lines = [
        f"# {_escape(title)}",
        "",
        *body,
        "## How to read it",
        "",
        *_list(legend),
        "## Environment",
        "",
        *_list(environment),
        "Repeat it with",
        "",
        f"    {shlex.join(command)}",
    ]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    marks = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
    return [_row(table.columns), f"|{'|'.join(marks)}|", *map(_row, table.rows), ""]


def _row(texts: list[str]) -> str:
    return "| " + " | ".join(map(_escape, texts)) + " |"


def _list(lines: Sequence[str]) -> list[str]:
    return [f"- {_escape(line)}" for line in lines] + ([""] if lines else [])


def _logs(summary: Summary) -> list[str]:
    lines = []
    for cell in summary.cells:
        if cell.log_tail:
            tail = [f"    {line}" for line in cell.log_tail.splitlines()]
            lines += [f"The end of the log of {cell.label}:", "", *tail, ""]
    return lines


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, also inside a table."""
    return text.translate(_ESCAPES)


report = MarkdownReport()
