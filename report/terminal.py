"""The tables on a terminal."""

import shlex
from collections.abc import Sequence

import rich.table
from rich import box
from rich.console import Console, Group, RenderableType
from rich.text import Text

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.findings.summary import Summary

from . import sweep_words, words
from .across import terminal as across
from .across.sweep import points_of
from .table import (
    Table,
    cost_table,
    legend,
    result_table,
    scaling_table,
    sweep_legend,
)

_STYLES = {"ok": "green", "skipped": "dim", "failed": "red", "parity_failed": "red"}
_WIDTH_OF_A_PIPE = 300
_MOST_POINTS = 50  # nobody reads more on a terminal


class TerminalReport:
    name = "terminal"
    filename = None
    by_default = True

    def render(self, summary: Summary) -> str:
        costs = cost_table(summary)
        logs = [line for cell in summary.cells for line in _log(cell.backend, cell.log_tail)]
        return _printed(
            [
                _table(result_table(summary), words.title(summary)),
                _lines([*words.verdicts(summary), *words.first_sentences(summary), *logs]),
                *([_table(costs)] if costs else []),
                _lines([*words.about(summary), *_graded(summary)]),
                _quiet([*legend(summary), "", *words.environment(summary)], summary.command),
            ]
        )

    def render_sweep(self, sweep: SweepSummary) -> str:
        scaling = scaling_table(sweep)
        played = next((point.summary for point in sweep.points if point.summary), None)
        environment = ["", *words.environment(played)] if played else []
        left_out = max(0, len(sweep.points) - _MOST_POINTS)
        points = points_of(sweep, _MOST_POINTS)
        return _printed(
            [
                Text(words.sweep_title(sweep)),
                *across.side_by_side(points.columns, points.blocks),
                _lines([f"and {left_out:,} more points, in the files"] if left_out else []),
                *([_table(scaling)] if scaling else []),
                _lines(words.sweep_sentences(sweep, _MOST_POINTS)),
                _quiet([*points.legend, *sweep_legend(sweep), *environment], sweep.command),
                _lines(sweep_words.verdicts(sweep)),
            ]
        )

    def render_across(self, table: CrossTable) -> str:
        return across.render(table)


def _printed(parts: Sequence[RenderableType]) -> str:
    console = Console()
    if not console.is_terminal:  # nobody's window: leave rows whole
        console = Console(width=_WIDTH_OF_A_PIPE)
    with console.capture() as capture:
        console.print(Group(*parts))
    return capture.get()


def _table(table: Table, title: str = "") -> rich.table.Table:
    drawn = rich.table.Table(
        box=box.SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left"
    )
    for index, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if index < table.left else "right")
    for row in table.rows:
        drawn.add_row(*(Text(text, style=_STYLES.get(text, "")) for text in row))
    return drawn


def _lines(lines: Sequence[str]) -> Text:
    return Text("\n".join([*lines, ""]))


def _graded(summary: Summary) -> list[str]:
    found = words.lesser(summary)
    return [line for heading, lines in found for line in ("", f"{heading}:", *lines)]


def _quiet(lines: Sequence[str], command: Sequence[str]) -> Text:
    return Text("\n".join([*lines, f"repeat: {shlex.join(command)}"]), style="dim")


def _log(backend: str, tail: str) -> list[str]:
    return [f"  {backend}| {line}" for line in tail.splitlines()]


report = TerminalReport()
