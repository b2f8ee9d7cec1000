"""Intervals as a layer of a plot of curves: a bar from the low to the high end."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from compare.records.values import Estimate

from .curves import Spec
from .series import colour


class Measured(NamedTuple):
    """A figure with its interval at one x of one series."""

    x: Any
    series: str
    figure: Estimate


def layer(measured: Iterable[Measured], series: Sequence[str], x_type: str) -> list[Spec]:
    """A layer for those that have an interval, none where none has; `series` are all labels of
    the plot, `x_type` is the kind of its axis."""
    values = [
        {"x": one.x, "series": one.series, "low": one.figure.low, "high": one.figure.high}
        for one in measured
        if one.figure.low is not None and one.figure.high is not None
    ]
    encoding = {
        "x": {"field": "x", "type": x_type},
        "y": {"field": "low", "type": "quantitative"},
        "y2": {"field": "high"},
        "color": colour(series),
    }
    shown = [{"filter": "indexof(hidden, datum.series) < 0"}]
    rule = {"type": "rule", "strokeWidth": 1.5, "opacity": 0.55, "clip": True}
    drawn = {"data": {"values": values}, "transform": shown, "mark": rule, "encoding": encoding}
    return [drawn] if values else []
