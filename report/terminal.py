"""What is seen on a terminal: the table, and below it the answers, where the eye is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.archive.together import Reported
from compare.findings.summary import Summary
from compare.reporting.showing import View

from . import answers, groups_swept, sweep_words, table, verdict, weak_scaling, words
from . import explained as explanations
from .across import terminal as across
from .across.blocks import figures
from .across.sweep import points_of
from .column import Column
from .judged import warnings_of_data
from .screen import INDENT, Line, all_of, at_a_glance, plain, sentences

if TYPE_CHECKING:
    from compare.records.explanations import Explained

_LESSER = {"widens": "on what makes intervals wider", "record": "for the record"}
_MOST_POINTS = 50  # nobody reads more on a terminal
_MOST_NAMED = 6  # in a sentence; all with --verbose


class TerminalReport:
    name = "terminal"
    filename = None
    explained_filename = None
    by_default = True

    def render(self, summary: Summary) -> str:
        return self.show(summary, View())

    def render_sweep(self, sweep: SweepSummary) -> str:
        return self.show(sweep, View())

    def show(self, summary: Reported, view: View) -> str:
        """The whole text, in the colours and the width of the terminal; in a pipe no line is
        broken."""
        if isinstance(summary, CrossTable):
            return across.render(summary, view)
        console = across.terminal()
        width = console.width if console.is_terminal else None
        parts: Iterable[Line | RenderableType]
        if isinstance(summary, SweepSummary):
            parts = _of_sweep(summary, view, width)
        else:
            parts = _of_run(summary, view, width)
        with console.capture() as capture:
            for part in parts:
                if isinstance(part, Line):
                    console.print(Text(part.text, style=part.style), soft_wrap=True)
                else:
                    console.print(part)
        return capture.get()

    def require_columns(self, names: Sequence[str], metrics: Sequence[str], target: str) -> None:
        table.chosen(names, metrics, target)

    def require_figures(self, names: Sequence[str]) -> None:
        figures(names)

    def render_explained(self, explained: "Explained") -> str:
        """A row per model by one method, and in words whether they agree and are right."""
        console = across.terminal()
        width = console.width if console.is_terminal else None
        parts = [
            *sentences([explanations.title(explained)], width, "bold"),
            *plain(explanations.glance(explained), width),
            Line(""),
            *sentences(explained.notes, width, "red"),
            *sentences(explanations.legend(explained), width, "dim"),
            *sentences(explanations.sentences(explained), width),
        ]
        return across.printed([Text(line.text, style=line.style) for line in parts])

    def render_across(self, table: CrossTable) -> str:
        return self.show(table, View())


def _of_run(summary: Summary, view: View, width: int | None) -> Iterator[Line]:
    yield from sentences(words.gravest(summary), width, "bold red")
    for cell in summary.cells:
        tail = cell.log_tail.splitlines()
        yield from (Line(f"{INDENT}{cell.backend}| {line}", "dim") for line in tail)
    title = words.title if view.verbose else answers.headline
    yield from sentences([title(summary)], width, "bold")
    rows = table.ordered_rows(summary)
    offered = table.offered([summary], view.baseline)
    if view.columns:
        chosen = table.chosen(view.columns, summary.metrics, summary.target, view.baseline)
        yield from all_of(chosen, rows, width)
    elif view.wide:
        yield from all_of(offered, rows, width)
    else:
        yield from at_a_glance(offered, rows, width)
    if view.verbose:
        yield from _details(summary, offered, view, width)
    else:
        yield from sentences(warnings_of_data(summary.experiment["data"]), width)
    yield from sentences(_answers(summary, view, width), width)
    grades = [note.grade for note in summary.notes]
    counts = [f"{grades.count(g)} {on}" for g, on in _LESSER.items() if g in grades]
    if counts and not view.verbose:
        yield from sentences([f"Notes (--verbose): {', '.join(counts)}."], width, "dim")


def _answers(summary: Summary, view: View, width: int | None) -> Iterator[str]:
    """Did they compute the same, which is faster, and what that stands on."""
    said = [answers.computation(summary), answers.scores(summary)]
    together = " ".join(filter(None, said))
    yield from [together] if width is None or len(together) <= width else filter(None, said)
    yield from verdict.sentences(summary, view.baseline, None if view.verbose else _MOST_NAMED)
    trust = words.trust(summary)
    if trust:
        yield f"Trust: {trust}."


def _details(
    summary: Summary, columns: Sequence[Column], view: View, width: int | None
) -> Iterator[Line]:
    """What is in the report too: the second table, notes, what columns mean, machine, libraries."""
    timed = [row for row in table.ordered_rows(summary) if row.cell.step_seconds]
    if timed and not view.wide:
        yield Line("")
        yield from all_of(table.cost_columns(timed), timed, width, told=True)
    yield Line("")
    yield from sentences(words.about(summary), width)
    for heading, notes in words.lesser(summary):
        yield from (Line(""), Line(f"{heading}:"))
        yield from sentences(notes, width)
    for lines in (table.legend(summary, columns), words.environment(summary)):
        yield Line("")
        yield from sentences(lines, width, "dim")
    yield Line("")


def _of_sweep(
    sweep: SweepSummary, view: View, width: int | None
) -> Iterator[Line | RenderableType]:
    """The points side by side, or the columns that are asked for in a row for each cell; below
    that, where the eye is, who is ahead at which of them."""
    played = [point.summary for point in sweep.points if point.summary]
    yield from sentences([words.sweep_title(sweep)], width, "bold")
    legend = table.sweep_legend(sweep)
    if view.columns or view.wide:
        columns = table.sweep_columns(sweep)
        if view.columns:
            columns = table.chosen(view.columns, played[0].metrics if played else [], "target")
        yield from plain(table.swept(sweep, columns, _MOST_POINTS), width)
    else:
        points = points_of(sweep, _MOST_POINTS)
        yield from across.side_by_side(points.columns, points.blocks)
        legend = [*points.legend, *legend]
    if len(sweep.points) > _MOST_POINTS:
        yield Line(f"and {len(sweep.points) - _MOST_POINTS:,} more points, in the files")
    scaling = table.scaling_table(sweep)
    if scaling:
        yield Line("")
        yield from plain(scaling, width)
    seeds = table.seeds_table(sweep)
    if seeds:
        yield Line("")
        yield from plain(seeds, width)
    yield from sentences(words.sweep_sentences(sweep, _MOST_POINTS), width)
    yield from sentences(legend, width, "dim")
    if view.verbose and played:
        yield from sentences(words.environment(played[0]), width, "dim")
    yield from sentences(groups_swept.sentences(sweep), width)
    yield from sentences(weak_scaling.sentences(sweep), width)
    yield from sentences(sweep_words.verdicts(sweep), width)


report = TerminalReport()
