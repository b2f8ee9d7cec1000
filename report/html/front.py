"""The front of a mitigation: how groups differ against accuracy, as plots, the theory dotted."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from compare.archive.scaling import SweepSummary
from compare.findings.number_text import estimate
from compare.records.values import Estimate

from ..mitigations import OnFront, front, order_of
from .curves import Spec
from .figures import Figure, listed
from .series import colour

_OF_THRESHOLDS = (
    " Diamonds: with a threshold for each group, of the texts that none was fitted on, and between"
    " the texts of either group, also where the other points are of the same text."
)
_Accuracy = Callable[[OnFront], Estimate | None]
_PANELS: tuple[tuple[str, str, str, _Accuracy], ...] = (
    ("fair", "fair labels", "accuracy", lambda one: one.accuracy),
    ("biased", "biased labels", "biased_accuracy", lambda one: one.biased),
)


def figures(sweep: SweepSummary) -> Iterator[Figure]:
    """One for fair labels, and one for labels that are biased as those of the training."""
    points = front(sweep)
    order = order_of(sweep).rstrip(",")
    series = list(dict.fromkeys(one.label for one in points))
    two = any(one.biased for one in points)
    for name, labels, theory, accuracy in _PANELS:
        found = [(one, figure) for one in points if (figure := accuracy(one))]
        if len({one.at for one, _ in found}) < 2:
            continue
        title = f"accuracy on {labels}" if two else "accuracy"
        best = {one.at: one.best for one, _ in found if theory in one.best}
        told = [f"{one.label} at {one.at}: {one.gap.value:.3f}, {a.value:.3f}" for one, a in found]
        yield Figure(
            f"front-{name}",
            _spec([_row(one, a) for one, a in found], _theory(best, theory), title, series, order),
            f"How groups differ in what they are given, 0 in the middle, against {title}: a point"
            " per mitigation and backend, with both 95% intervals over examples."
            + (" Dotted: the best learner of the training labels." if best else "")
            + (_OF_THRESHOLDS if any(one.thresholds for one, _ in found) else ""),
            f"Difference and {title}: {listed(told)}.",
            series,
        )


def _row(one: OnFront, accuracy: Estimate) -> dict[str, Any]:
    return {
        "series": one.label, "at": one.at,
        "x": one.gap.value, "left": one.gap.low, "right": one.gap.high,
        "y": accuracy.value, "low": accuracy.low, "high": accuracy.high,
        "decided": "thresholds" if one.thresholds else "as trained",
        "gap": estimate(one.gap, "{:.3f}"), "accuracy": estimate(accuracy, "{:.3f}"),
    }  # fmt: skip


def _theory(best: dict[str, dict[str, float]], name: str) -> list[dict[str, Any]]:
    return [{"at": at, "x": one["selection"], "y": one[name]} for at, one in best.items()]


def _spec(
    rows: Sequence[Any], theory: Sequence[Any], title: str, series: Sequence[str], order: str
) -> Spec:
    ends = [abs(row[name]) for row in rows for name in ("x", "left", "right") if row[name]]
    edge = 1.1 * max([*ends, *(abs(one["x"]) for one in theory)], default=0.1) or 0.1
    x: Spec = {
        "field": "x", "type": "quantitative", "title": f"selection{order}",
        "scale": {"domain": [-edge, edge], "nice": False}, "axis": {"format": ".2f"},
    }  # fmt: skip
    y: Spec = {
        "field": "y", "type": "quantitative", "title": title,
        "scale": {"zero": False}, "axis": {"format": ".3f"},
    }  # fmt: skip
    rule: Spec = {"type": "rule", "strokeWidth": 1.2, "opacity": 0.55}
    coloured = {"color": colour(series)}
    tooltip = [
        {"field": name, "type": "nominal", "title": words}
        for name, words in (("series", "backend"), ("at", "point"), ("gap", "difference"),
                            ("accuracy", title))
    ]  # fmt: skip
    shape = {
        "field": "decided", "type": "nominal", "legend": None,
        "scale": {"domain": ["as trained", "thresholds"], "range": ["circle", "diamond"]},
    }  # fmt: skip
    shown = [{"filter": "indexof(hidden, datum.series) < 0"}]
    dotted: Spec = {
        "data": {"values": list(theory)},
        "mark": {"type": "line", "strokeDash": [2, 4], "strokeWidth": 1.5,
                 "point": {"filled": False, "size": 60}},
        "encoding": {"x": x, "y": y, "order": {"field": "x", "type": "quantitative"},
                     "tooltip": [{"field": "at", "type": "nominal", "title": "best learner"}]},
    }  # fmt: skip
    middle: Spec = {
        "data": {"values": [{"x": 0}]},
        "mark": {"type": "rule", "strokeDash": [6, 4], "opacity": 0.4},
        "encoding": {"x": x},
    }
    return {
        "width": "container",
        "height": 300,
        "params": [{"name": "hidden", "value": []}],
        "data": {"values": list(rows)},
        "layer": [
            middle,
            *([dotted] if theory else []),
            {"transform": shown, "mark": rule,
             "encoding": {"x": {**x, "field": "left"}, "x2": {"field": "right"}, "y": y,
                          **coloured}},
            {"transform": shown, "mark": rule,
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"},
                          **coloured}},
            {"transform": shown, "mark": {"type": "point", "filled": True, "size": 70},
             "encoding": {"x": x, "y": y, "tooltip": tooltip, "shape": shape, **coloured}},
        ],
    }  # fmt: skip
