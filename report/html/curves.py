"""Vega-Lite specifications of curves: a line for each series over one axis that all share."""

import math
from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .series import colour, dashes

Spec = dict[str, Any]
Values = NDArray[np.float64]
Scale = Literal["linear", "log", "ordinal", "time"]

MOST_POINTS = 300  # of a series
_MOST_DOTS = 400  # of a plot; from there on lines say it alone
_ROOM = 10  # pixels
_LONGEST_TITLE = 50  # characters that a phone has room for
_MOST_TICKS = 12  # that stand at the very values of x


class Axis(NamedTuple):
    """A title with its unit, how figures and ticks are written (d3-format), the kind of scale;
    `zero` where a linear one begins there whatever is drawn."""

    title: str
    format: str
    ticks: str
    scale: Scale = "linear"
    zero: bool = False


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
    height: int = 300,
    together: Collection[str] = (),
) -> Spec:
    """The plot. `series` has every label of the page; `beside` are more layers; for those that lie
    `together` one line stands, in the colour of none. Hovering tells the figures of all.

    Parameters: `hidden` has the labels not to be drawn; `zoom` is bound to the scales.
    """
    names = {f"s{i}": label for i, label in enumerate(curves.labels)}
    alone = [key for key, label in names.items() if label not in together]
    common = next((key for key, label in names.items() if label in together), None)
    encoding = {
        "x": _x(x, curves.xs),
        "y": {"field": "y", "type": "quantitative", "title": _title(y, curves.ys),
              "axis": _axis(y), "scale": _scale(y)},
    }  # fmt: skip
    drawn = [
        *([_common(common, encoding, 3.5 if alone else 2)] if common else []),
        *([_lines(alone, encoding, series, _dots(curves))] if alone else []),
    ]
    drawn[-1]["params"] = [{"name": "zoom", "bind": "scales", "select": _zoom(x)}]
    return {
        "width": "container",
        "height": height,
        "params": [{"name": "hidden", "value": []}, {"name": "labels", "value": names}],
        "data": {"values": _rows(curves)},
        "layer": [
            *([_band()] if curves.low is not None else []),
            *beside,
            *drawn,
            _hover(curves, names, x, y),
        ],
    }


def _lines(keys: Sequence[str], encoding: Spec, series: Sequence[str], dots: Spec | bool) -> Spec:
    return {
        "name": "lines",
        "mark": {"type": "line", "clip": True, "strokeJoin": "round", "strokeWidth": 1.6,
                 "point": dots},
        "transform": [
            {"fold": list(keys), "as": ["key", "y"]},
            {"calculate": "labels[datum.key]", "as": "series"},
            {"filter": "isValid(datum.y) && indexof(hidden, datum.series) < 0"},
        ],
        "encoding": {**encoding, "color": colour(series), "strokeDash": dashes(series)},
    }  # fmt: skip


def _common(key: str, encoding: Spec, width: float) -> Spec:
    """Seen on both sides of a line that lies upon it, where there is one."""
    return {
        "name": "together",
        "mark": {"type": "line", "clip": True, "strokeJoin": "round", "strokeWidth": width},
        "encoding": {**encoding, "y": {**encoding["y"], "field": key}},
    }


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
    title = f"{x.title} (log scale)" if x.scale == "log" else x.title
    encoded = {"field": "x", "type": _kind(x), "title": title}
    if x.scale == "ordinal":
        return {**encoded, "sort": None, "axis": {"labelAngle": 0}}
    axis: Spec = {"format": x.ticks, "grid": False}
    if len(xs) <= _MOST_TICKS and x.scale != "time":
        axis["values"] = list(xs)
    room = _ROOM if len(xs) <= _MOST_TICKS else 0  # for the intervals of the first and the last
    return {**encoded, "scale": {**_scale(x), "nice": False, "padding": room}, "axis": axis}


def _kind(x: Axis) -> str:
    return {"ordinal": "ordinal", "time": "temporal"}.get(x.scale, "quantitative")


def _title(y: Axis, ys: Values) -> str | list[str]:
    """With what a reader has to know of the scale, on a line of its own where a phone is too narrow
    for both."""
    known = ys[~np.isnan(ys)]
    above = not y.zero and known.size and known.min() > 0
    note = "(log scale)" if y.scale == "log" else "(axis not from 0)" if above else ""
    whole = f"{y.title} {note}".strip()
    return whole if len(whole) <= _LONGEST_TITLE else [y.title, note]


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
    if axis.scale == "linear":
        return {"type": "linear", "zero": axis.zero, "padding": 0 if axis.zero else 8}
    return {"type": axis.scale}


def _zoom(x: Axis) -> Spec:
    """The page keeps the wheel for itself unless a key is held."""
    held = {"type": "interval", "zoom": "wheel![event.ctrlKey || event.metaKey]"}
    return {**held, "encodings": ["y"]} if x.scale == "ordinal" else held


def _dots(curves: Curves) -> Spec | bool:
    return {"size": 18, "filled": True} if curves.ys.size <= _MOST_DOTS else False


def _hover(curves: Curves, names: dict[str, str], x: Axis, y: Axis) -> Spec:
    """A rule at the nearest x, with every series' figure there."""
    # Vega-Lite writes titles into an expression, where it escapes quotes and nothing else.
    titles = {key: " ".join(label.split()).replace("\\", r"\\") for key, label in names.items()}
    # Only fields that have a type are looked up where the nearest mark keeps them; the page leaves
    # out what is not a number there.
    shown = [
        {"field": key, "type": "quantitative", "title": title, "format": y.format}
        for key, title in titles.items()
    ]
    return {
        "name": "hover",
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
