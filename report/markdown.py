"""The answers as Markdown: the verdict first, then a small table."""

from collections.abc import Sequence
from pathlib import Path

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary

from . import answers, groups_swept, repeat, sweep_words, table, verdict, weak_scaling, words
from .across import markdown as across
from .html import report as html
from .table import Table

_PICTURE = "plots/throughput.svg"
_MOST_POINTS = 200  # of a sweep that are rows of its table
_MOST_NAMED = 6  # in the verdict; the table has all
_ESCAPES = str.maketrans({mark: "\\" + mark for mark in "\\`*_{}[]<>|"} | {"\n": " "})


class MarkdownReport:
    name = "markdown"
    filename = "report.md"
    by_default = True

    def render(self, summary: Summary) -> str:
        return _of_run(summary, page="")

    def files(self, summary: Summary, folder: Path) -> dict[str, str | bytes]:
        page = html.filename if (folder / html.filename).exists() else ""
        picture = _picture(summary)
        found: dict[str, str | bytes] = {self.filename: _of_run(summary, page, bool(picture))}
        return found | ({_PICTURE: picture} if picture else {})

    def render_sweep(self, sweep: SweepSummary) -> str:
        scaling, seeds = table.scaling_table(sweep), table.seeds_table(sweep)
        played = next((point.summary for point in sweep.points if point.summary), None)
        left_out = len(sweep.points) - _MOST_POINTS
        rest = [f"And {left_out:,} more points, which CSV and JSON have.", ""]
        return _page(
            words.sweep_title(sweep),
            [
                *_list(sweep_words.verdicts(sweep)),
                *_list(groups_swept.sentences(sweep)),
                *_list(weak_scaling.sentences(sweep)),
                *_table(table.sweep_table(sweep, _MOST_POINTS)),
                *(rest if left_out > 0 else []),
                *(["## How cost grows with size", "", *_table(scaling)] if scaling else []),
                *(["## What another seed changes", "", *_table(seeds)] if seeds else []),
                *_list(words.sweep_sentences(sweep)),
            ],
            [*table.sweep_legend(sweep), *(table.legend(played) if played else [])],
            words.environment(played) if played else [],
            sweep.command,
        )

    def render_across(self, table: CrossTable) -> str:
        return across.render(table)


def _of_run(summary: Summary, page: str, has_picture: bool = False) -> str:
    """The verdict, a small table, a picture, and where the rest is: in the `page` beside it, or
    folded below."""
    main, *more = verdict.sentences(summary, most=_MOST_NAMED)
    trust = words.trust(summary)
    rates = f"![Tokens per second, with 95% intervals]({_PICTURE})"
    whole = f"[The whole report]({page}) has every plot, pair and column."
    costs = table.cost_table(summary)
    lines = [
        f"# {_escape(answers.headline(summary))}",
        "",
        *_list(words.gravest(summary)),
        f"**{_escape(main)}**",
        "",
        *_list(more),
        *_table(table.glance_table(summary)),
        *_list(words.troubles(summary)),
        _escape(" ".join([answers.computation(summary), answers.scores(summary)]).strip()),
        *([_escape(f"Trust: {trust}.")] if trust else []),
        "",
        *([rates, ""] if has_picture else []),
        *([whole, ""] if page else []),
        *(
            line
            for heading, notes in words.lesser(summary)
            for line in (f"## {heading}", "", *_list(notes))
        ),
        "## What was trained, and where",
        "",
        *_list([words.title(summary), *words.about(summary), *words.environment(summary)]),
        *_command(summary.command),
        *_folded("All figures", _table(table.result_table(summary))),
        *(_folded("What it took", _table(costs)) if costs else []),
        *_folded("What the columns mean", _list(table.legend(summary, table.offered([summary])))),
        *_logs(summary),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _picture(summary: Summary) -> bytes | None:
    """The plot of rates alone, which is all that can be drawn of cells without other figures."""
    kept = ("backend", "mode", "status", "parameters", "tokens_per_second", "ratio_to_fastest",
            "doubt")  # fmt: skip
    cells = [CellSummary(**{name: getattr(c, name) for name in kept}) for c in summary.cells]
    drawn = html.plots(summary.model_copy(update={"cells": cells}), "svg")
    return drawn.get("throughput")


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
        *_command(command),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _table(shown: Table) -> list[str]:
    marks = ["---"] * shown.left + ["---:"] * (len(shown.columns) - shown.left)
    return [_row(shown.columns), f"|{'|'.join(marks)}|", *map(_row, shown.rows), ""]


def _row(texts: list[str]) -> str:
    return "| " + " | ".join(_escape(" ".join(text.split())) for text in texts) + " |"


def _list(lines: Sequence[str]) -> list[str]:
    return [f"- {_escape(line)}" for line in lines] + ([""] if lines else [])


def _command(command: Sequence[str]) -> list[str]:
    return ["Repeat it with", "", f"    {repeat.without_the_author(command)}", ""]


def _folded(heading: str, lines: Sequence[str]) -> list[str]:
    """What is there for those who ask; a reader of the plain text finds it at the end."""
    return [f"<details><summary>{heading}</summary>", "", *lines, "</details>", ""]


def _logs(summary: Summary) -> list[str]:
    lines = []
    for cell in summary.cells:
        if cell.log_tail:
            tail = [f"    {line}" for line in cell.log_tail.splitlines()]
            lines += [f"The end of the log of {_escape(cell.label)}:", "", *tail, ""]
    return lines


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, also inside a table."""
    return text.translate(_ESCAPES)


report = MarkdownReport()
