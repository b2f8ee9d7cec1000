"""The tables of a page: those of the run, each in the section that it belongs to."""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from compare.findings.summary import Summary

from ..columns import GROUPS
from ..table import Table, cost_table, result_table

if TYPE_CHECKING:
    from markupsafe import Markup

_SPEED = (
    "status", "device", "tokens/s", "of fastest", "efficiency", "talking", "imbalance", "sent/step",
    "sent over least", "of itself", "step", "compile", "per 1M tokens",
)  # fmt: skip
_MEMORY = (
    "peak mem", "largest rank", "over idle", "idle", "process peak", "device peak", "planned",
)  # fmt: skip
_TIME = ("import", "build", "compile", "warm-up", "steady", "evaluation")
_RANGE = re.compile(r"^(?P<figure>\S+) (?P<range>\(.+\)|±\S+)(?P<mark> \?)?$")
_TOGETHER = re.compile(
    r"\([\d.,]+–[\d.,]+%?\)|\b[\d.,]+ (?:ms|s|min|kB|MB|GB|GFLOP)\b|\b[\d.]+e-\d+\b"
)


class Tables(NamedTuple):
    """Each with a row per backend, None where there is nothing to tell: one table of everything is
    wider than a window. `learned` is of losses and quality, `machine` of how it was used."""

    speed: Table
    learned: Table
    memory: Table | None
    time: Table | None
    machine: Table | None


def of_run(summary: Summary) -> Tables:
    results, costs = result_table(summary), cost_table(summary)
    speed = _only(results, _SPEED)
    learned = _without(results, (*_SPEED[1:], *_MEMORY, *GROUPS))  # which have a section
    memory = _joined(_only(results, _MEMORY), costs and _only(costs, _MEMORY))
    if costs is None:
        return Tables(speed, learned, memory, None, None)
    machine = _filled(_without(costs, (*_TIME, *_MEMORY)))
    return Tables(speed, learned, memory, _filled(_only(costs, _TIME)), machine)


def parts(text: str) -> tuple[str, str, str]:
    """A figure, its interval and its mark, each of which stays on one line; empty where it has
    none."""
    found = _RANGE.match(text)
    return (found["figure"], found["range"], found["mark"] or "") if found else (text, "", "")


def whole(text: str) -> "Markup":
    """A sentence in which no figure is torn from its unit, and no interval breaks over a line."""
    from markupsafe import Markup, escape

    return Markup(_TOGETHER.sub(r'<span class="whole">\g<0></span>', str(escape(text))))


def _without(table: Table, titles: Collection[str]) -> Table:
    return _only(table, [title for title in table.columns if title not in titles])


def _only(table: Table, titles: Collection[str]) -> Table:
    """The first column, and those of these titles."""
    kept = [0, *(i for i, title in enumerate(table.columns) if i and title in titles)]
    rows = [[row[i] for i in kept] for row in table.rows]
    left = sum(i < table.left for i in kept)
    return Table([table.columns[i] for i in kept], rows, left)


def _joined(table: Table, other: Table | None) -> Table | None:
    """The columns of both for the rows of both; of one, where it stands alone."""
    if other is None:
        return None
    more = {row[0]: row[1:] for row in other.rows}
    rows = [[*row, *more[row[0]]] for row in table.rows if row[0] in more]
    return _filled(Table([*table.columns, *other.columns[1:]], rows, left=1))


def _filled(table: Table) -> Table | None:
    return table if len(table.columns) > 1 and table.rows else None
