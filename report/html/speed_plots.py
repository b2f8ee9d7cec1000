"""Which is faster, and can it be trusted? The rates, and each window that they are made of."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import estimate, seconds
from compare.findings.summary import Summary

from . import bars, curves
from .curves import Axis, Curves, Spec, matrix, thinned
from .figures import Figure, labels, listed
from .series import colour

_WINDOW = "timed window, in the order of execution"
_ONE: Spec = {  # the fastest itself
    "data": {"values": [{}]},
    "mark": {"type": "rule", "strokeDash": [5, 4], "clip": True},
    "encoding": {"y": {"datum": 1, "type": "quantitative"}},
}


def throughput(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if cell.tokens_per_second]
    cells.sort(key=lambda cell: -_rate(cell))
    if not cells:
        return None
    rates = [f"{cell.label} {estimate(cell.tokens_per_second, '{:,.0f}')}" for cell in cells]
    doubted = [cell.label for cell in cells if cell.doubt]
    return Figure(
        "throughput",
        bars.throughput(cells, labels(summary)),
        "Throughput, with 95% intervals: longer is faster. At the right, the ratio to the fastest."
        + (f" Not to be relied on, and marked ?: {listed(doubted)}." if doubted else ""),
        f"Tokens per second: {listed(rates)}.",
    )


def windows(summary: Summary) -> Figure | None:
    """Every window of a backend against that of the fastest, which was played a moment apart; the
    time of a step where there is nothing to hold it against."""
    fastest = next((c for c in summary.cells if c.is_fastest and c.window_places), None)
    pairs = [_Pairs.of(cell, fastest) for cell in summary.cells if fastest and cell is not fastest]
    pairs = [one for one in pairs if one.ratios]
    return _ratios(summary, pairs, fastest) if fastest and pairs else _steps(summary)


class _Pairs(NamedTuple):
    """The windows that a backend played together with the fastest: by their number among those of
    the fastest, from 1 on, the backend's speed over the fastest's; those that others disturbed,
    and those far off the others of their backend."""

    cell: CellSummary
    ratios: Mapping[int, float]
    contended: frozenset[int]
    outlying: frozenset[int]

    @classmethod
    def of(cls, cell: CellSummary, fastest: CellSummary) -> "_Pairs":
        theirs = {place: i for i, place in enumerate(fastest.window_places)}
        together = [
            (i, theirs[place]) for i, place in enumerate(cell.window_places) if place in theirs
        ]

        def either(mine: Sequence[int], others: Sequence[int]) -> frozenset[int]:
            return frozenset(j + 1 for i, j in together if i in mine or j in others)

        return cls(
            cell,
            {j + 1: fastest.window_step_seconds[j] / cell.window_step_seconds[i]
             for i, j in together},
            either(cell.contended_windows, fastest.contended_windows),
            either(cell.noisy_windows, fastest.noisy_windows),
        )  # fmt: skip


def _ratios(summary: Summary, pairs: Sequence[_Pairs], fastest: CellSummary) -> Figure:
    series, count = [one.cell.label for one in pairs], len(fastest.window_places)
    ys = np.full((len(pairs), count), np.nan)
    for row, one in zip(ys, pairs, strict=True):
        for number, ratio in one.ratios.items():
            row[number - 1] = ratio
    drawn = thinned(Curves(series, range(1, count + 1), ys), "window")
    spec = curves.spec(
        drawn._replace(low=None, high=None),  # each has a band of its own
        Axis(_WINDOW, "d", "d"),
        Axis(f"speed over that of {fastest.label} in the same window", ".3f", ".3~f"),
        labels(summary),
        [*_means(pairs, labels(summary)), _ONE, *_marks(pairs, labels(summary))],
        height=280,
    )
    spec["layer"] = [_thin(layer) for layer in spec["layer"]]
    told = [
        f"{one.cell.label} {estimate(one.cell.ratio_to_fastest, '{:.3f}')}"
        for one in pairs
        if one.cell.ratio_to_fastest
    ]
    marked = "".join(
        f" {text}"
        for text, found in (
            (
                "Ringed: far off the others of its backend, or of the fastest.",
                any(one.outlying for one in pairs),
            ),
            ("Crossed: others disturbed it.", any(one.contended for one in pairs)),
        )
        if found
    )
    return Figure(
        "windows",
        spec,
        f"The speed of each backend over that of {fastest.label}, the fastest, in every window that"
        " both played a moment apart. Straight lines are the means, bands their 95% intervals: one"
        f" that reaches the dashed 1 is not separated.{marked} {_means_only(drawn.how)}",
        f"Speed over that of {fastest.label}, the mean over {count} windows: {listed(told)}.",
        series,
        zooms=True,
    )


def _thin(layer: Spec) -> Spec:
    """Windows stand behind their mean."""
    if layer.get("name") != "lines":
        return layer
    mark = {**layer["mark"], "strokeWidth": 1, "opacity": 0.4}
    return {**layer, "mark": mark}


def _means(pairs: Sequence[_Pairs], series: Sequence[str]) -> list[Spec]:
    rows = [
        {"series": one.cell.label, "mean": ratio.value, "low": ratio.low, "high": ratio.high}
        for one in pairs
        if (ratio := one.cell.ratio_to_fastest)
    ]
    shown = [{"filter": "indexof(hidden, datum.series) < 0"}]
    wide = {"x": {"value": 0}, "x2": {"value": {"expr": "width"}}, "color": colour(series)}
    return [
        {"data": {"values": rows},
         "transform": [*shown, {"filter": "isValid(datum.low) && isValid(datum.high)"}],
         "mark": {"type": "rect", "opacity": 0.14, "clip": True},
         "encoding": {**wide, "y": {"field": "low", "type": "quantitative"},
                      "y2": {"field": "high"}}},
        {"data": {"values": rows}, "transform": shown,
         "mark": {"type": "rule", "strokeWidth": 2, "clip": True},
         "encoding": {**wide, "y": {"field": "mean", "type": "quantitative"}}},
    ]  # fmt: skip


def _marks(pairs: Sequence[_Pairs], series: Sequence[str]) -> list[Spec]:
    """Rings around outliers, crosses through what others disturbed."""
    kinds = {"outlying": ("circle", 130), "contended": ("cross", 90)}
    layers = list[Spec]()
    for kind, (shape, size) in kinds.items():
        rows = [
            {"series": one.cell.label, "x": number, "y": one.ratios[number]}
            for one in pairs
            for number in sorted(getattr(one, kind))
        ]
        if rows:
            mark = {"type": "point", "shape": shape, "size": size, "filled": kind == "contended"}
            layers.append({
                "name": kind, "data": {"values": rows},
                "transform": [{"filter": "indexof(hidden, datum.series) < 0"}],
                "mark": {**mark, "strokeWidth": 1.5, "clip": True},
                "encoding": {"x": {"field": "x", "type": "quantitative"},
                             "y": {"field": "y", "type": "quantitative"},
                             "color": colour(series)},
            })  # fmt: skip
    return layers


def _steps(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if cell.window_step_seconds]
    if not cells:
        return None
    times = 1e3 * matrix([cell.window_step_seconds for cell in cells])
    names = [cell.label for cell in cells]
    drawn = thinned(Curves(names, range(1, 1 + times.shape[1]), times), "window")
    spec = curves.spec(
        drawn,
        Axis(_WINDOW, "d", "d"),
        Axis("ms per step", ",.4~r", ",.3~r", "log"),
        labels(summary),
        height=260,
    )
    spread = [
        f"{cell.label} {seconds(median(cell.window_step_seconds))}"
        f" ({seconds(min(cell.window_step_seconds))} to {seconds(max(cell.window_step_seconds))})"
        for cell in cells
    ]
    return Figure(
        "windows",
        spec,
        "Time of a step in each timed window, in the order of execution: a level line is a steady"
        f" machine, a slope is drift. {drawn.how}",
        f"Median time of a step over the windows, and its range: {listed(spread)}.",
        names,
        zooms=True,
    )


def _means_only(how: str) -> str:
    return how.partition(";")[0] + "." if ";" in how else how


def _rate(cell: CellSummary) -> float:
    return cell.tokens_per_second.value if cell.tokens_per_second else 0.0
