"""Vega-Lite specifications of curves: a line for each series over one axis that all share."""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .theme import HUES

Spec = dict[str, Any]
Values = NDArray[np.float64]
Scale = Literal["linear", "log", "ordinal", "time"]

MOST_POINTS = 300  # of a series
_MOST_DOTS = 400  # of a plot; from there on lines say it alone
_DASHES = ([1, 0], [7, 3], [3, 2], [9, 3, 2, 3])
_MOST_TICKS = 12  # that stand at the very values of x
_WIDEST, _NARROWEST = 4.5, 1.2


class Axis(NamedTuple):
    """A title with its unit, how figures and ticks are written (d3-format), the kind of scale."""

    title: str
    format: str
    ticks: str
    scale: Scale = "linear"


class Curves(NamedTuple):
    """What is drawn: `ys` (series, xs) by the labels of its rows, NaN where there is nothing.

    Curves that were `thinned` have, of each of their stretches, the lowest and the highest value
    of any series in `low` and `high`, and what was done in `how`.
    """

    labels: Sequence[str]
    xs: Sequence[Any]
    ys: Values
    low: Values | None = None
    high: Values | None = None
    how: str = ""


def matrix(rows: Sequence[Sequence[float | None]]) -> Values:
    """Rows of unequal lengths as (rows, longest); NaN for what is missing or infinite."""
    found = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for into, row in zip(found, rows, strict=True):
        into[: len(row)] = np.array(row, np.float64)
    found[~np.isfinite(found)] = np.nan
    return found


def thinned(curves: Curves, what: str, largest: bool = False) -> Curves:
    """Curves of no more points than a screen has room for: each the mean of a stretch of xs, or
    the largest value in it. Of a stretch, the x is its last one; `what` is one x in words."""
    count = len(curves.xs)
    if count <= MOST_POINTS:
        return curves
    stretch = -(-count // MOST_POINTS)
    starts = np.arange(0, count, stretch)
    ends = [*(starts[1:] - 1).tolist(), count - 1]
    known = ~np.isnan(curves.ys)
    high = np.maximum.reduceat(np.where(known, curves.ys, -np.inf), starts, axis=1)
    low = np.minimum.reduceat(np.where(known, curves.ys, np.inf), starts, axis=1)
    if largest:
        ys = high
    else:
        sums = np.add.reduceat(np.where(known, curves.ys, 0.0), starts, axis=1)
        with np.errstate(invalid="ignore"):
            ys = sums / np.add.reduceat(known.astype(np.float64), starts, axis=1)
    how = f"Each point is the {'largest' if largest else 'mean'} of {stretch} {what}s"
    return Curves(
        curves.labels,
        [curves.xs[end] for end in ends],
        np.where(np.isfinite(ys), ys, np.nan),
        None if largest else low.min(axis=0),
        None if largest else high.max(axis=0),
        how + ("." if largest else "; the grey band goes from the lowest to the highest of any."),
    )


def spec(
    curves: Curves,
    x: Axis,
    y: Axis,
    series: Sequence[str],
    beside: Sequence[Spec] = (),
    nested: bool = False,
    height: int = 300,
) -> Spec:
    """The plot. `series` has every label of the page, which fixes the colours; `nested` lines are
    the narrower the later, so that those that coincide can all be seen; `beside` are more layers.

    Parameters: `hidden` has the labels not to be drawn; `zoom` is bound to the scales.
    """
    names = {f"s{i}": label for i, label in enumerate(curves.labels)}
    return {
        "width": "container",
        "height": height,
        "params": [{"name": "hidden", "value": []}, {"name": "labels", "value": names}],
        "data": {"values": _rows(curves)},
        "layer": [
            *([_band()] if curves.low is not None else []),
            *beside,
            {
                "name": "lines",
                "mark": {"type": "line", "clip": True, "strokeJoin": "round",
                         "strokeWidth": 1.6, "point": _dots(curves)},
                "params": [
                    {"name": "zoom", "bind": "scales", "select": _zoom(x)},
                ],
                "transform": [
                    {"fold": list(names), "as": ["key", "y"]},
                    {"calculate": "labels[datum.key]", "as": "series"},
                    {"filter": "isValid(datum.y) && indexof(hidden, datum.series) < 0"},
                ],
                "encoding": {
                    "x": _x(x, curves.xs),
                    "y": {"field": "y", "type": "quantitative", "title": y.title,
                          "axis": _axis(y), "scale": _scale(y)},
                    "color": {"field": "series", "type": "nominal", "legend": None,
                              "scale": {"domain": list(series)}},
                    **_styles(series, curves.labels, nested),
                },
            },
            _hover(curves, names, x, y),
        ],
    }  # fmt: skip


def dash(index: int) -> list[int]:
    """Of the series of this index: so that those of one hue differ, and print without colour."""
    return _DASHES[(index + index // HUES) % len(_DASHES)]


def _rows(curves: Curves) -> list[Spec]:
    columns = {f"s{i}": row for i, row in enumerate(curves.ys)}
    if curves.low is not None and curves.high is not None:
        columns |= {"low": curves.low, "high": curves.high}
    rows: list[Spec] = [{"x": x} for x in curves.xs]
    for name, values in columns.items():
        for row, value in zip(rows, values.tolist(), strict=True):
            if math.isfinite(value):
                row[name] = float(f"{value:.6g}")
    return rows


def _band() -> Spec:
    place = {"x": {"field": "x", "type": "quantitative"}, "y2": {"field": "high"}}
    return {
        "mark": {"type": "area", "clip": True, "opacity": 0.12},
        "encoding": {**place, "y": {"field": "low", "type": "quantitative"}},
    }


def _x(x: Axis, xs: Sequence[Any]) -> Spec:
    encoded = {"field": "x", "type": _kind(x), "title": x.title}
    if x.scale == "ordinal":
        return {**encoded, "sort": None, "axis": {"labelAngle": 0}}
    axis: Spec = {"format": x.ticks, "grid": False}
    if len(xs) <= _MOST_TICKS and x.scale != "time":
        axis["values"] = list(xs)
    return {**encoded, "scale": {**_scale(x), "nice": False}, "axis": axis}


def _kind(x: Axis) -> str:
    return {"ordinal": "ordinal", "time": "temporal"}.get(x.scale, "quantitative")


def _axis(y: Axis) -> Spec:
    axis: Spec = {"format": y.ticks}
    if y.scale == "log":  # only powers of ten have a line
        decades = "log(datum.value) / LN10"
        power = f"abs({decades} - round({decades})) < 0.01"
        axis["gridOpacity"] = {"condition": {"test": power, "value": 0.6}, "value": 0}
    return axis


def _scale(axis: Axis) -> Spec:
    """Zero is not on it, unless it is among what is drawn."""
    if axis.scale == "log":
        return {"type": "log", "nice": False, "padding": 6}
    return {"type": axis.scale, "zero": False} if axis.scale == "linear" else {"type": axis.scale}


def _zoom(x: Axis) -> Spec:
    """The page keeps the wheel for itself unless a key is held."""
    held = {"type": "interval", "zoom": "wheel![event.ctrlKey || event.metaKey]"}
    return {**held, "encodings": ["y"]} if x.scale == "ordinal" else held


def _dots(curves: Curves) -> Spec | bool:
    return {"size": 18, "filled": True} if curves.ys.size <= _MOST_DOTS else False


def _styles(series: Sequence[str], drawn: Sequence[str], nested: bool) -> Spec:
    styles: Spec = {
        "strokeDash": {
            "field": "series", "type": "nominal", "legend": None,
            "scale": {"domain": list(series), "range": [dash(i) for i in range(len(series))]},
        }
    }  # fmt: skip
    if nested and len(drawn) > 1:
        widths = np.linspace(_WIDEST, _NARROWEST, len(drawn)).round(2).tolist()
        styles["strokeWidth"] = {
            "field": "series", "type": "ordinal", "legend": None,
            "scale": {"domain": list(drawn), "range": widths},
        }  # fmt: skip
    return styles


def _hover(curves: Curves, names: dict[str, str], x: Axis, y: Axis) -> Spec:
    """A rule at the nearest x, with every series' figure there."""
    texts = [
        {
            "calculate": f"isValid(datum.{key}) ? format(datum.{key}, '{y.format}') : '–'",
            "as": f"t{key}",
        }
        for key in names
    ]
    # Vega-Lite writes titles into an expression, where it escapes quotes and nothing else.
    titles = {key: " ".join(label.split()).replace("\\", r"\\") for key, label in names.items()}
    shown = [{"field": f"t{key}", "title": title} for key, title in titles.items()]
    return {
        "name": "hover",
        "transform": texts,
        "mark": {"type": "rule", "strokeWidth": 1},
        "params": [
            {
                "name": "near",
                "select": {"type": "point", "fields": ["x"], "nearest": True,
                           "on": "pointermove", "clear": "pointerout"},
            }
        ],
        "encoding": {
            "x": _x(x, curves.xs),
            "opacity": {"condition": {"param": "near", "empty": False, "value": 0.5}, "value": 0},
            "tooltip": [
                {"field": "x", "type": _kind(x), "title": x.title, "format": x.format}, *shown
            ],
        },
    }  # fmt: skip
