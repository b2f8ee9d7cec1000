"""Colours and type of the page and its plots, light and dark.

Series take the hues of Okabe and Ito (2008), which the colour-blind tell apart, made darker or
lighter until each has a contrast of 3:1 or more to the paper, and texts one of 4.5:1 (WCAG 2.2).
Which series has which is told in `series.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
HUES = 8

_LIGHT_SERIES = (
    "#2b8ac6", "#008a64", "#d55e00", "#4d4d4d", "#b04f8b", "#0072b2", "#8a6d3b", "#b07800",
)  # fmt: skip
_DARK_SERIES = (
    "#8fb4ff", "#2cc79a", "#ff9147", "#c9c9c9", "#e39ac6", "#56b4e9", "#c8a06a", "#f0d942",
)  # fmt: skip
_LIGHT_PHASES = ("#0a2f4f", "#0b4f80", "#0072b2", "#3f96cd", "#7fb9df", "#b4d6ec")
_DARK_PHASES = ("#d9eefb", "#a9d7f4", "#7cc3ee", "#4a9fd6", "#2f78aa", "#22557a")

Colours = Mapping[str, str]

LIGHT: Colours = {
    "paper": "#ffffff",
    "raised": "#f5f5f3",
    "ink": "#1d1d1b",
    "muted": "#5c5c58",
    "rule": "#d8d8d4",
    "accent": "#0b5cad",
    "bad": "#a61b1b",
    "mark": "#ffe58a",
    **{f"series-{i}": colour for i, colour in enumerate(_LIGHT_SERIES)},
    **{f"phase-{i}": colour for i, colour in enumerate(_LIGHT_PHASES)},
}
DARK: Colours = {
    "paper": "#151719",
    "raised": "#1f2225",
    "ink": "#e8e8e4",
    "muted": "#a9adb0",
    "rule": "#3a3e42",
    "accent": "#7fb8f0",
    "bad": "#ff8f85",
    "mark": "#5c4a00",
    **{f"series-{i}": colour for i, colour in enumerate(_DARK_SERIES)},
    **{f"phase-{i}": colour for i, colour in enumerate(_DARK_PHASES)},
}


def variable(name: str) -> str:
    """A colour as CSS sees it: one plot serves both themes, and print."""
    return f"var(--{name})"


def config(colour: Callable[[str], str], font: str = FONT) -> dict[str, Any]:
    """The Vega-Lite configuration, with colours by name."""
    quiet = {"labelColor": colour("muted"), "titleColor": colour("muted")}
    plain = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "font": font,
        "background": "transparent",
        "view": {"stroke": "transparent"},
        "axis": {
            **quiet,
            **plain,
            "gridColor": colour("rule"),
            "gridOpacity": 0.6,
            "domainColor": colour("rule"),
            "tickColor": colour("rule"),
            "tickCount": 5,
            "labelLimit": 130,
            "labelOverlap": True,
            "titlePadding": 8,
        },
        "axisY": {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": 0,
                  "titleY": -12, "titleBaseline": "bottom"},
        "legend": {**quiet, **plain, "orient": "top", "title": None, "symbolType": "square",
                   "symbolBaseFillColor": colour("accent"),
                   "symbolBaseStrokeColor": colour("accent"),
                   "labelLimit": 240, "columns": 6, "offset": 12},
        "range": {
            "ordinal": [colour(f"phase-{i}") for i in range(len(_LIGHT_PHASES))],
        },
        "area": {"color": colour("ink")},
        "line": {"color": colour("ink")},
        "point": {"color": colour("accent")},
        "rule": {"color": colour("ink")},
        "text": {"color": colour("muted"), "fontSize": 12},
        "tick": {"color": colour("ink")},
    }  # fmt: skip
