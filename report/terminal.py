"""What is seen on a terminal: the table, and below it the answers, where the eye is."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.reporting.showing import View

from . import answers, layout, table, verdict, words
from .column import ALWAYS, MEMORY, MORE_QUALITY, NEVER, STEP, Column
from .judged import warnings_of_data
from .table import Table

_STYLES = {"skipped": "dim", "failed": "red", "parity_failed": "red", "interrupted": "red"}
_LESSER = {"widens": "on what makes intervals wider", "record": "for the record"}
_MOST_POINTS = 50  # nobody reads more on a terminal
_MOST_NAMED = 6  # in a sentence; all with --verbose
_INDENT = "  "


class Line(NamedTuple):
    text: str
    style: str = ""


class TerminalReport:
    name = "terminal"
    filename = None
    by_default = True

    def render(self, summary: Summary) -> str:
        return self.show(summary, View())

    def render_sweep(self, sweep: SweepSummary) -> str:
        return self.show(sweep, View())

    def show(self, summary: Summary | SweepSummary, view: View) -> str:
        """The whole text, in the colours and the width of the terminal; in a pipe no line is
        broken."""
        console = Console()
        width = console.width if console.is_terminal else None
        lines = (
            _of_sweep(summary, view, width)
            if isinstance(summary, SweepSummary)
            else _of_run(summary, view, width)
        )
        with console.capture() as capture:
            for line in lines:
                console.print(Text(line.text, style=line.style), soft_wrap=True)
        return capture.get()

    def require_columns(self, names: Sequence[str], metrics: Sequence[str], target: str) -> None:
        table.chosen(names, metrics, target)


def _of_run(summary: Summary, view: View, width: int | None) -> Iterator[Line]:
    for cell in summary.cells:
        for line in cell.log_tail.splitlines():
            yield Line(f"{_INDENT}{cell.backend}| {line}", "dim")
    yield from _sentences(words.gravest(summary), width, "bold red")
    title = words.title if view.verbose else answers.headline
    yield from _sentences([title(summary)], width, "bold")
    yield from _table(summary, view, width)
    if view.verbose:
        yield from _details(summary, view, width)
    else:
        yield from _sentences(warnings_of_data(summary.experiment["data"]), width)
    most = None if view.verbose else _MOST_NAMED
    trust = words.trust(summary)
    same, scores = answers.computation(summary), answers.scores(summary)
    together = f"{same} {scores}"
    yield from _sentences(
        [
            *([together] if width is None or len(together) <= width else [same, scores]),
            *verdict.sentences(summary, view.baseline, most),
            *([f"Trust: {trust}."] if trust else []),
        ],
        width,
    )
    grades = [note.grade for note in summary.notes]
    counts = [f"{grades.count(g)} {on}" for g, on in _LESSER.items() if g in grades]
    if counts and not view.verbose:
        yield from _sentences([f"Notes (--verbose): {', '.join(counts)}."], width, "dim")


def _table(summary: Summary, view: View, width: int | None) -> Iterator[Line]:
    """The columns that were asked for, or as many as there is room for."""
    rows = table.ordered_rows(summary)
    inner = None if width is None else width - len(_INDENT)
    if view.columns or view.wide:
        columns = table.offered([summary], view.baseline)
        if view.columns:
            columns = table.chosen(view.columns, summary.metrics, summary.target, view.baseline)
        whole = table.table_of(columns, rows, left=1)
        yield from _parts(whole, [row.cell for row in rows], inner)
        return
    columns = [c for c in table.offered([summary], view.baseline) if c.rank < NEVER]
    if width is None:
        columns = [c for c in columns if c.rank <= MORE_QUALITY]
    whole = table.table_of(columns, rows, left=1, short=True)
    yield from _narrowed(whole, columns, [row.cell for row in rows], inner)


def _narrowed(
    whole: Table, columns: Sequence[Column], cells: Sequence[CellSummary], width: int | None
) -> Iterator[Line]:
    """One table of the columns that count most; a block for each row where not even those that
    every run has would fit."""
    plain = [i for i, column in enumerate(columns) if column.rank in (ALWAYS, MEMORY, STEP)]
    if layout.fits(layout.picked(whole, plain), width):
        ranks = [column.rank for column in columns]
        yield from _grid(layout.narrowed(whole, ranks, width, MORE_QUALITY), cells, width)
    else:
        few = [i for i, column in enumerate(columns) if column.rank <= STEP]
        yield from _blocks(layout.picked(whole, few), cells, width)


def _parts(whole: Table, cells: Sequence[CellSummary], width: int | None) -> Iterator[Line]:
    """All columns, in tables one below the other where there is no room for one."""
    parts = layout.parts(whole, width)
    if all(layout.fits(part, width) for part in parts):
        for index, part in enumerate(parts):
            yield from [Line("")] if index else []
            yield from _grid(part, cells, width)
    else:
        yield from _blocks(whole, cells, width)


def _grid(shown: Table, cells: Sequence[CellSummary], width: int | None) -> Iterator[Line]:
    drawn = layout.grid(shown, width)
    for heading in drawn.headings:
        yield Line(_INDENT + heading, "dim")
    label = max(map(layout.cell_len, [shown.columns[0], *(row[0] for row in shown.rows)]))
    for cell, row in zip(cells, drawn.rows, strict=True):
        style = _STYLES.get(cell.status, "")
        if _has_figures(cell):
            yield Line(_INDENT + row, style)
            yield from _why(cell, width, style)
        else:
            text = f"{cell.label}{' ' * (label - layout.cell_len(cell.label))}  {_ending(cell)}"
            indent = " " * min(label + 2, 24)
            yield Line(_indented(layout.wrapped(text, width, indent)), style)


def _blocks(shown: Table, cells: Sequence[CellSummary], width: int | None) -> Iterator[Line]:
    for cell, block in zip(cells, layout.blocks(shown), strict=True):
        style = _STYLES.get(cell.status, "")
        yield Line(_INDENT + block.label, style or "bold")
        if _has_figures(cell):
            yield from (Line(2 * _INDENT + figure, style) for figure in block.figures)
        yield from _why(cell, width, style)


def _has_figures(cell: CellSummary) -> bool:
    return cell.status == "ok" or cell.tokens_per_second is not None


def _why(cell: CellSummary, width: int | None, style: str) -> Iterator[Line]:
    """How a row ended that did not go well."""
    if cell.status != "ok":
        text = layout.wrapped(_INDENT + _ending(cell), width, 2 * _INDENT)
        yield Line(_indented(text), style)


def _ending(cell: CellSummary) -> str:
    status = cell.status.replace("_", " ")
    return f"{status}: {cell.reason}" if cell.reason else status


def _details(summary: Summary, view: View, width: int | None) -> Iterator[Line]:
    """What is in the report too: the second table, what columns mean, notes, machine, libraries."""
    costs = table.cost_table(summary)
    if costs and not view.wide:
        timed = [cell for cell in table.ordered(summary) if cell.step_seconds]
        yield Line("")
        yield from _parts(costs, timed, None if width is None else width - len(_INDENT))
    yield Line("")
    yield from _sentences(words.about(summary), width)
    for heading, notes in words.lesser(summary):
        yield Line("")
        yield Line(f"{heading}:")
        yield from _sentences(notes, width)
    yield Line("")
    yield from _sentences(table.legend(summary, view.baseline), width, "dim")
    yield Line("")
    yield from _sentences(words.environment(summary), width, "dim")
    yield Line("")


def _of_sweep(sweep: SweepSummary, view: View, width: int | None) -> Iterator[Line]:
    inner = None if width is None else width - len(_INDENT)
    played = [point.summary for point in sweep.points if point.summary]
    yield from _sentences([words.sweep_title(sweep)], width, "bold")
    columns = table.sweep_columns(sweep)
    if view.columns:
        metrics = played[0].metrics if played else []
        columns = table.chosen(view.columns, metrics, "target")
    whole = table.swept(sweep, columns, _MOST_POINTS, short=not (view.wide or view.columns))
    if not view.columns and not view.wide:
        ranks = [0] * len(sweep.axes) + [c.rank if c.rank < NEVER else 0 for c in columns]
        whole = layout.narrowed(whole, ranks, inner, MORE_QUALITY)
    for part in layout.parts(whole, inner):
        drawn = layout.grid(part, inner)
        yield from (Line(_INDENT + line, "dim") for line in drawn.headings)
        yield from (Line(_INDENT + line) for line in drawn.rows)
    if len(sweep.points) > _MOST_POINTS:
        yield Line(f"and {len(sweep.points) - _MOST_POINTS:,} more points, in the files")
    scaling = table.scaling_table(sweep)
    if scaling:
        drawn = layout.grid(scaling, inner)
        yield from (Line(_INDENT + line) for line in ("", *drawn.headings, *drawn.rows))
    yield from _sentences(words.sweep_sentences(sweep, _MOST_POINTS), width)
    yield from _sentences(table.sweep_legend(sweep), width, "dim")
    if view.verbose and played:
        yield from _sentences(words.environment(played[0]), width, "dim")


def _sentences(lines: Sequence[str], width: int | None, style: str = "") -> Iterator[Line]:
    return (Line(layout.wrapped(line, width, _INDENT), style) for line in lines)


def _indented(text: str) -> str:
    return _INDENT + text.replace("\n", f"\n{_INDENT}")


report = TerminalReport()
