"""Vega-Lite specifications of figures that each series has once: a row each."""

from collections.abc import Sequence
from typing import Any

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import estimate, memory, seconds

Spec = dict[str, Any]

_ROW = 30  # pixels
_SERIES: Spec = {
    "field": "series",
    "type": "nominal",
    "sort": None,  # in the order of the rows
    "axis": {"title": None, "domain": False, "ticks": False, "labelPadding": 8, "grid": False},
}
_PHASES = {
    "import": "import", "build": "build", "compile": "compile", "warmup": "warm-up",
    "steady": "steady", "evaluation": "evaluation",
}  # fmt: skip
_HELD = {
    "idle_memory_bytes": "idle",
    "peak_memory_bytes": "peak",
    "planned_memory_bytes": "planned",
    "device_peak_memory_bytes": "device peak",
}
_SHAPES = ("circle", "square", "diamond", "triangle-up")
_BYTES = (
    "datum.value >= 1e9 ? format(datum.value / 1e9, '.3~g') + ' GB'"
    " : format(datum.value / 1e6, '.3~g') + ' MB'"
)


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
    colour = {"field": "series", "type": "nominal", "legend": None,
              "scale": {"domain": list(series)}}  # fmt: skip
    tooltip = _tooltip(series="backend", text="tokens/s", ratio="of fastest")
    x = {
        "field": "rate", "type": "quantitative", "title": "tokens per second",
        "scale": {"domain": [0, most * 1.14], "nice": False}, "axis": {"format": ",~f"},
    }  # fmt: skip
    return {
        **_base(rows),
        "encoding": {"y": _SERIES, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "bar", "height": 12, "opacity": 0.3},
             "encoding": {"x": x, "color": colour}},
            {"mark": {"type": "rule", "strokeWidth": 2.5},
             "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"},
                          "color": colour}},
            {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
             "encoding": {"x": x, "color": colour}},
            {"mark": {"type": "text", "align": "right"},
             "encoding": {"x": {"value": {"expr": "width"}}, "text": {"field": "short"}}},
        ],
    }  # fmt: skip


def phases(cells: Sequence[CellSummary]) -> Spec:
    """Seconds of each phase, one after the other."""
    rows = [
        {"series": cell.label, "phase": title, "order": order, "seconds": cell.phases[phase],
         "text": seconds(cell.phases[phase])}
        for cell in cells
        for order, (phase, title) in enumerate(_PHASES.items())
        if phase in cell.phases
    ]  # fmt: skip
    used = [title for title in _PHASES.values() if any(row["phase"] == title for row in rows)]
    return {
        **_base(rows),
        "mark": {"type": "bar", "height": 16},
        "encoding": {
            "y": _SERIES,
            "x": {"field": "seconds", "type": "quantitative", "title": "seconds"},
            "color": {"field": "phase", "type": "ordinal", "scale": {"domain": used}},
            "order": {"field": "order"},
            "tooltip": _tooltip(series="backend", phase="phase", text="time"),
        },
    }


def memory_held(cells: Sequence[CellSummary]) -> Spec:
    """Idle, peak and planned bytes on one line, from zero."""
    rows = [
        {"series": cell.label, "what": what, "bytes": held, "text": memory(held),
         "idle": cell.idle_memory_bytes, "peak": cell.peak_memory_bytes}
        for cell in cells
        for name, what in _HELD.items()
        if (held := getattr(cell, name)) is not None
    ]  # fmt: skip
    used = [what for what in _HELD.values() if any(row["what"] == what for row in rows)]
    x = {
        "field": "bytes", "type": "quantitative", "title": None,
        "scale": {"zero": True}, "axis": {"labelExpr": _BYTES},
    }  # fmt: skip
    shapes = {"domain": used, "range": list(_SHAPES[: len(used)])}
    return {
        **_base(rows),
        "encoding": {"y": _SERIES},
        "layer": [
            {"transform": [{"filter": "datum.what == 'peak' && isValid(datum.idle)"}],
             "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.35},
             "encoding": {"x": {"field": "idle", "type": "quantitative"},
                          "x2": {"field": "peak"}}},
            {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
             "encoding": {"x": x,
                          "shape": {"field": "what", "type": "nominal", "scale": shapes},
                          "tooltip": _tooltip(series="backend", what="memory", text="held")}},
        ],
    }  # fmt: skip


def _base(rows: Sequence[Spec]) -> Spec:
    return {
        "width": "container",
        "height": _ROW * len({row["series"] for row in rows}),
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [{"name": "hidden", "value": []}],
        "data": {"values": list(rows)},
        "transform": [{"filter": "indexof(hidden, datum.series) < 0"}],
    }


def _tooltip(**titles: str) -> list[Spec]:
    return [{"field": name, "type": "nominal", "title": title} for name, title in titles.items()]
