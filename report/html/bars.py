"""Vega-Lite specifications of figures that each series has once: a row each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import estimate

from .series import colour
from .theme import variable

Spec = dict[str, Any]

_ROW = 30  # pixels
_SLIM = 15
_ENDING = 80  # behind the longest bar, for words such as "parity failed"
_BEYOND = 1.14  # of the longest bar: room for a figure behind it
_Y: Spec = {
    "type": "nominal",
    "sort": None,  # in the order of the rows
    "axis": {"title": None, "domain": False, "ticks": False, "labelPadding": 8, "grid": False,
             "labelLimit": 220},
}  # fmt: skip


class Stack(NamedTuple):
    """One bar: `parts` by what they are, one behind the other, and what is written at its end.
    `row` is what stands before it, `series` the label by which it is hidden."""

    row: str
    series: str
    parts: Mapping[str, float]
    total: str


def throughput(cells: Sequence[CellSummary], series: Sequence[str]) -> Spec:
    """Tokens per second from zero, with intervals, and the ratio to the fastest as a number."""
    rows = [
        {
            "series": cell.label,
            "rate": cell.tokens_per_second.value,
            "low": cell.tokens_per_second.low,
            "high": cell.tokens_per_second.high,
            "text": estimate(cell.tokens_per_second, "{:,.0f}"),
            "ratio": estimate(cell.ratio_to_fastest, "{:.3f}"),
            "short": (f"{cell.ratio_to_fastest.value:.2f}" if cell.ratio_to_fastest else "")
            + (" ?" if cell.doubt else ""),
        }
        for cell in cells
        if cell.tokens_per_second
    ]
    rates = [cell.tokens_per_second for cell in cells if cell.tokens_per_second]
    most = max((rate.high or rate.value for rate in rates), default=1.0)
    tooltip = _tooltip(series="backend", text="tokens/s", ratio="of fastest")
    x = {
        "field": "rate", "type": "quantitative", "title": "tokens per second",
        "scale": {"domain": [0, most * _BEYOND], "nice": False}, "axis": {"format": ",~f"},
    }  # fmt: skip
    coloured = {"color": colour(series)}
    return {
        **_base(rows, len(rows)),
        "encoding": {"y": {"field": "series", **_Y}, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "bar", "height": 12, "opacity": 0.3},
             "encoding": {"x": x, **coloured}},
            {"mark": {"type": "rule", "strokeWidth": 2.5},
             "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"},
                          **coloured}},
            {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
             "encoding": {"x": x, **coloured}},
            {"mark": {"type": "text", "align": "right"},
             "encoding": {"x": {"value": {"expr": "width"}}, "text": {"field": "short"}}},
        ],
    }  # fmt: skip


def stacked(
    stacks: Sequence[Stack], title: str, text: Callable[[float], str], labels: str = ""
) -> Spec:
    """Bars from zero in the order of `stacks`. `text` writes the figure of a part, `labels` is a
    Vega expression that writes those of the axis."""
    used = list(dict.fromkeys(part for stack in stacks for part in stack.parts))
    most = max((sum(stack.parts.values()) for stack in stacks), default=0.0) or 1.0
    rows = [
        {"row": stack.row, "series": stack.series, "part": part, "order": used.index(part),
         "size": size, "text": text(size), "end": sum(stack.parts.values()),
         "total": stack.total if part == list(stack.parts)[-1] else ""}
        for stack in stacks
        for part, size in stack.parts.items()
    ]  # fmt: skip
    x: Spec = {
        "field": "size", "type": "quantitative", "title": title or None,
        "scale": {"domain": [0, most * _BEYOND], "nice": False},
        "axis": {"labelExpr": labels} if labels else {"format": ",~f"},
    }  # fmt: skip
    shades = [variable(f"phase-{index}") for index in _shades(len(used))]
    coloured = {"field": "part", "type": "ordinal", "scale": {"domain": used, "range": shades}}
    tooltip = _tooltip(row="backend", part="part", text="takes")
    return {
        **_base(rows, len(stacks)),
        "encoding": {"y": {"field": "row", **_Y}},
        "layer": [
            {"name": "bars", "mark": {"type": "bar", "height": 16},
             "encoding": {"x": x, "order": {"field": "order"}, "color": coloured,
                          "tooltip": tooltip}},
            {"transform": [{"filter": "datum.total !== ''"}],
             "mark": {"type": "text", "align": "left", "dx": 6},
             "encoding": {"x": {"field": "end", "type": "quantitative"},
                          "text": {"field": "total"}}},
        ],
    }  # fmt: skip


def grouped(rows: Sequence[Spec], series: Sequence[str], title: str) -> Spec:
    """Bars from zero, one for each of the `series` in every `row`, with names, intervals, figures.

    Of each row: row, series, value, low, high, its short `text` and the `whole` one, and the rate.
    """
    most = max((row["high"] or row["value"] for row in rows if row["value"]), default=1.0)
    y = {
        "y": {"field": "row", **_Y, "scale": {"paddingInner": 1 / (len(series) + 1)}},
        "yOffset": {"field": "series", "type": "nominal", "sort": list(series)},
    }
    x: Spec = {
        "field": "value", "type": "quantitative", "title": title,
        "scale": {"domain": [0, most], "nice": False, "rangeMax": {"expr": f"width - {_ENDING}"}},
        "axis": {"format": ".2~f"},
    }  # fmt: skip
    coloured = {"color": colour(series)}
    tooltip = _tooltip(row="experiment", series="backend", whole="of fastest", rate="tokens/s")
    return {
        **_base(rows, 0),
        "height": _SLIM * (len(series) + 1) * len({row["row"] for row in rows}),
        "encoding": {**y, "tooltip": tooltip},
        "layer": [
            {"name": "bars", "mark": {"type": "bar", "opacity": 0.35},
             "encoding": {"x": x, **coloured}},
            {"transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
             "mark": {"type": "rule", "strokeWidth": 2.5},
             "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"},
                          **coloured}},
            {"mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
             "encoding": {"x": {"datum": 0, "type": "quantitative"}, "text": {"field": "series"},
                          "color": {"value": variable("ink")}}},
            {"mark": {"type": "text", "align": "right", "fontSize": 11},
             "encoding": {"x": {"value": {"expr": "width"}}, "text": {"field": "text"}}},
        ],
    }  # fmt: skip


def _shades(count: int) -> Sequence[int]:
    """Of the six of the theme, such as are told apart; what comes last in a bar is the darkest."""
    return {1: (2,), 2: (4, 2), 3: (5, 3, 1), 4: (5, 4, 3, 1)}.get(count, range(5, 5 - count, -1))


def _base(rows: Sequence[Spec], bars: int) -> Spec:
    return {
        "width": "container",
        "height": _ROW * bars,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [{"name": "hidden", "value": []}],
        "data": {"values": list(rows)},
        "transform": [{"filter": "indexof(hidden, datum.series) < 0"}],
    }


def _tooltip(**titles: str) -> list[Spec]:
    return [{"field": name, "type": "nominal", "title": title} for name, title in titles.items()]
