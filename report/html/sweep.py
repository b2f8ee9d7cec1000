"""The page of a sweep: how costs grow with each field, and the table of its points."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import estimate
from compare.findings.summary import Summary
from compare.records.values import Estimate

from .. import groups_swept, mitigations, repeat, sweep_words, table, weak_scaling
from .. import words as general
from ..csv import report as table_csv
from ..table import scaling_table, seeds_table, sweep_table
from . import efficiency, front, page
from .curves import Axis, Curves, Scale, Spec, spec, thinned
from .figures import Figure, listed
from .intervals import Measured, layer

_MOST_POINTS = 200  # in the table
_MOST_CELLS = 2000  # whose figures the page carries: some 1.5 MB
_MOST_VALUES = 6  # of a field that the heading lists


class _Quantity(NamedTuple):
    """`exponent` is the name of the quantity in `SweepSummary.scaling`, where it has one; `whole`
    the figure with its interval, where it has one."""

    name: str
    title: str
    axis: Axis
    value: Callable[[CellSummary], float | None]
    exponent: str = ""
    whole: Callable[[CellSummary], Estimate | None] = lambda cell: None


_QUANTITIES = (
    _Quantity(
        "rate",
        "throughput",
        Axis("tokens per second", ",.4~r", ",.3~r", "log"),
        lambda cell: cell.tokens_per_second.value if cell.tokens_per_second else None,
        whole=lambda cell: cell.tokens_per_second,
    ),
    _Quantity(
        "ratio",
        "throughput over that of the fastest",
        Axis("x of the fastest", ".3f", ".3~r", "log"),
        lambda cell: cell.ratio_to_fastest.value if cell.ratio_to_fastest else None,
        whole=lambda cell: cell.ratio_to_fastest,
    ),
    _Quantity(
        "step",
        "time of a step",
        Axis("ms per step", ",.4~r", ",.3~r", "log"),
        lambda cell: cell.step_seconds and 1e3 * cell.step_seconds,
        "step_seconds",
    ),
    _Quantity(
        "memory",
        "peak memory",
        Axis("peak memory, MB", ",.4~r", ",.3~r", "log"),
        lambda cell: cell.peak_memory_bytes and cell.peak_memory_bytes / 1e6,
        "peak_memory_bytes",
    ),
    _Quantity(
        "loss",
        "validation loss",
        Axis("validation loss, nats per token", ".4f", ".4~f"),
        lambda cell: cell.validation_loss,
    ),
)


def render(sweep: SweepSummary) -> str:
    played = [point.summary for point in sweep.points if point.summary]
    fronts = list(front.figures(sweep))
    first = played[0] if played else None
    return page.render(
        "sweep.html",
        title=f"{first.experiment['task']} ({first.preset}), swept" if first else "Sweep",
        figures=figures(sweep),
        fronts=[one.name for one in fronts],
        groups=groups_swept,
        mitigations=mitigations,
        downloads=_downloads(sweep, sum(len(summary.cells) for summary in played)),
        series=_series(sweep),
        sweep=sweep,
        first=first,
        general=general,
        tables=table,
        axes=[_axis(field, values) for field, values in sweep.axes.items()],
        results=sweep_table(sweep, _MOST_POINTS),
        left_out=max(0, len(sweep.points) - _MOST_POINTS),
        scaling=scaling_table(sweep),
        seeds=seeds_table(sweep),
        verdicts=[*weak_scaling.sentences(sweep), *sweep_words.verdicts(sweep)],
        about=_about(sweep, first) if first else [],
        install=repeat.install(first) if first else "",
        words=repeat.without_the_author(sweep.command),
        sentences=general.sweep_sentences(sweep, _MOST_POINTS),
    )


def _about(sweep: SweepSummary, first: Summary) -> list[str]:
    """What is the same at every point."""
    swept = "run.threads" in sweep.axes
    return [fact for fact in repeat.about(first) if not (swept and fact.endswith("each"))]


def figures(sweep: SweepSummary) -> list[Figure]:
    """The fronts of mitigations, weak scaling, and each cost over each field."""
    scaled = efficiency.weak(sweep)
    return [*front.figures(sweep), *([scaled] if scaled else []), *_costs(sweep)]


_CellsAt = dict[tuple[str, Any], list[CellSummary]]
"""Cells that ended well, by backend and by a field's value"""


def _costs(sweep: SweepSummary) -> Iterator[Figure]:
    every = _series(sweep)
    for index, field in enumerate(sweep.axes):
        cells: _CellsAt = defaultdict(list)
        for point in sweep.points:
            for cell in point.summary.cells if point.summary else ():
                if cell.status == "ok":
                    cells[cell.label, point.values[field]].append(cell)
        for quantity in _QUANTITIES:
            figure = _scaling(sweep, field, f"{quantity.name}-{index}", quantity, cells, every)
            if figure:
                yield figure


def _scaling(
    sweep: SweepSummary, field: str, name: str, quantity: _Quantity, cells: _CellsAt,
    every: list[str],
) -> Figure | None:  # fmt: skip
    """One cost over one field: of each backend the geometric mean over all other fields."""
    values = {at: list(map(quantity.value, some)) for at, some in cells.items()}
    positive = {at: [v for v in some if v is not None and v > 0] for at, some in values.items()}
    found = {at: some for at, some in positive.items() if some}
    series = [label for label in every if any(key[0] == label for key in found)]
    xs = [x for x in sweep.axes[field] if any((label, x) in found for label in series)]
    if len(xs) < 2:
        return None
    ys = np.full((len(series), len(xs)), np.nan)
    for i, label in enumerate(series):
        for j, x in enumerate(xs):
            if its := found.get((label, x)):
                ys[i, j] = math.exp(fmean(map(math.log, its)))
    drawn = thinned(Curves(series, [_plain(x) for x in xs], ys), "value")
    others, across = len(sweep.axes) > 1, _scale(xs)
    bars = [] if others or drawn.how else _intervals(cells, quantity, across, every)
    return Figure(
        name,
        spec(drawn, Axis(field, "~r", "~r", across), quantity.axis, every, bars, height=260),
        f"{quantity.title.capitalize()} by {field}"
        + (", the geometric mean over the other fields." if others else ".")
        + (" A bar is an interval of 95%." if bars else "")
        + (f" {drawn.how}" if drawn.how else ""),
        _exponents(sweep, field, quantity) or f"{quantity.title} of {listed(series)} by {field}.",
        series,
        zooms=True,
    )


def _intervals(cells: _CellsAt, quantity: _Quantity, scale: Scale, every: list[str]) -> list[Spec]:
    measured = [
        Measured(_plain(x), label, figure)
        for (label, x), some in cells.items()
        for cell in some
        if (figure := quantity.whole(cell))
    ]
    return layer(measured, every, "ordinal" if scale == "ordinal" else "quantitative")


def _exponents(sweep: SweepSummary, field: str, quantity: _Quantity) -> str:
    grow = [
        f"{one.backend}:{one.mode} as its power of {estimate(one.exponent, '{:.2f}')}"
        for one in sweep.scaling
        if (one.field, one.quantity) == (field, quantity.exponent)
    ]
    return f"The {quantity.title} grows with {field}: {listed(grow)}." if grow else ""


def _series(sweep: SweepSummary) -> list[str]:
    cells = [cell for point in sweep.points if point.summary for cell in point.summary.cells]
    return list(dict.fromkeys(cell.label for cell in cells))


def _scale(values: Sequence[Any]) -> Scale:
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not numeric:
        return "ordinal"
    return "log" if min(values) > 0 and max(values) / min(values) >= 4 else "linear"


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _axis(field: str, values: Sequence[Any]) -> str:
    if len(values) <= _MOST_VALUES:
        return f"{field} = {', '.join(map(str, values))}"
    return f"{field} = {values[0]}, {values[1]}, … {values[-1]} ({len(values):,} values)"


def _downloads(sweep: SweepSummary, cells: int) -> dict[str, str]:
    return {"summary.csv": table_csv.render_sweep(sweep)} if 0 < cells <= _MOST_CELLS else {}
