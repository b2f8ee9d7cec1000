"""The plots of a run, each with what it shows in words: its caption and its text alternative."""

from collections.abc import Sequence
from itertools import islice
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import estimate, memory, seconds
from compare.findings.summary import Summary

from . import bars, curves
from .curves import Axis, Curves, Spec, Values, matrix, thinned

_MOST_NAMED = 8  # in a text alternative


class Figure(NamedTuple):
    """`alt` carries the main result to those who do not see the plot; `series` are the labels
    that a legend lists, none where the axis names them; one that `zooms` has `zoom` bound."""

    name: str
    spec: Spec
    caption: str
    alt: str
    series: Sequence[str] = ()
    zooms: bool = False


def of_run(summary: Summary) -> dict[str, Figure]:
    """Every plot that there is something to draw in, by name."""
    found = [make(summary) for make in (_throughput, _windows, _memory, _phases, _loss, _parity)]
    return {figure.name: figure for figure in found if figure}


def still(figure: Figure, width: int = 560) -> Spec:
    """The specification for a picture: of a fixed width, with a legend, and nothing to hover."""
    spec: Spec = {**figure.spec, "width": width}
    if "layer" in spec:
        spec["layer"] = [_still(layer) for layer in spec["layer"] if layer.get("name") != "hover"]
    return spec


def _still(layer: Spec) -> Spec:
    layer = {key: value for key, value in layer.items() if key != "params"}
    if layer.get("name") == "lines":
        symbol = {"symbolType": "stroke", "symbolSize": 300, "symbolStrokeWidth": 2}
        symbol |= {"offset": 34, "columns": 4}  # above the axis title
        encoding = layer["encoding"]
        legends = {name: {**encoding[name], "legend": symbol} for name in ("color", "strokeDash")}
        layer["encoding"] = {**encoding, **legends}
    return layer


def _throughput(summary: Summary) -> Figure | None:
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


def _windows(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if cell.window_step_seconds]
    if not cells:
        return None
    times = 1e3 * matrix([cell.window_step_seconds for cell in cells])
    drawn = thinned(_over(cells, times, first=1), "window")
    spec = curves.spec(
        drawn,
        Axis("timed window, in the order of execution", "d", "d"),
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
        [cell.label for cell in cells],
        zooms=True,
    )


def _memory(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if cell.peak_memory_bytes]
    if not cells:
        return None
    held = [
        f"{cell.label} {memory(cell.peak_memory_bytes)}"
        + (f" (idle {memory(cell.idle_memory_bytes)})" if cell.idle_memory_bytes else "")
        for cell in cells
    ]
    caption = (
        "Memory of each worker: idle, with its framework imported, and at its peak in training"
    )
    if any(cell.planned_memory_bytes for cell in cells):
        caption += "; planned is what the framework's compiler says that a step will hold"
    return Figure("memory", bars.memory_held(cells), f"{caption}.", f"Peak memory: {listed(held)}.")


def _phases(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if cell.phases]
    if not cells:
        return None
    whole = [f"{cell.label} {seconds(sum(cell.phases.values()))}" for cell in cells]
    return Figure(
        "phases",
        bars.phases(cells),
        "Where the time went, from importing the framework to evaluating what was trained.",
        f"Seconds of all phases together: {listed(whole)}.",
    )


def _loss(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if cell.losses]
    if not cells:
        return None
    losses = matrix([cell.losses for cell in cells])
    drawn = thinned(_over(cells, losses), "step")
    floor = summary.floor
    spec = curves.spec(
        drawn,
        Axis("step", ",d", ",d"),
        Axis("training loss, nats per token", ".4f", ".4~f"),
        labels(summary),
        _rule(floor, f"no model can beat {floor:.4f}") if floor is not None else (),
        nested=True,
    )
    ends = [
        f"{c.label} from {_loss_text(c.losses[0])} to {_loss_text(c.losses[-1])}" for c in cells
    ]
    return Figure(
        "loss",
        spec,
        "Training loss at each step. Lines that coincide lie on top of each other, the later ones"
        f" narrower. {drawn.how}",
        f"The training loss goes: {listed(ends)}."
        + (f" No model can beat {floor:.4f}." if floor is not None else ""),
        [cell.label for cell in cells],
        zooms=True,
    )


def _parity(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if any(cell.loss_differences)]
    if not cells:
        return None
    apart = matrix([cell.loss_differences for cell in cells])
    apart[apart == 0] = np.nan
    drawn = thinned(_over(cells, apart), "step", largest=True)
    allowed = matrix([summary.allowed_loss_differences])[0]
    spec = curves.spec(
        drawn,
        Axis("step", ",d", ",d"),
        Axis("relative difference of the loss", ".1e", "~e", "log"),
        labels(summary),
        _envelope(drawn.xs, allowed),
    )
    worst = [f"{cell.label} {_difference(cell)}" for cell in cells]
    return Figure(
        "parity",
        spec,
        "How far each loss is from the others' at each step, on a log scale; where it is the same"
        " to the last bit, nothing is drawn. Below the grey line, rounding alone can explain it:"
        f" that was measured in this run. {drawn.how}",
        f"Largest relative difference of the loss to another backend's: {listed(worst)};"
        f" allowed at the last step: {allowed[-1]:.1e}.",
        [cell.label for cell in cells],
        zooms=True,
    )


def labels(summary: Summary) -> list[str]:
    return [cell.label for cell in summary.cells]


def listed(texts: Sequence[str]) -> str:
    """The first ones, and how many more there are."""
    more = len(texts) - _MOST_NAMED
    return ", ".join(islice(texts, _MOST_NAMED)) + (f" and {more} more" if more > 0 else "")


def _rule(at: float, text: str) -> list[Spec]:
    encoding = {"y": {"datum": at, "type": "quantitative"}}
    one: dict[str, Any] = {"data": {"values": [{}]}}
    return [
        {**one, "mark": {"type": "rule", "strokeDash": [5, 4], "clip": True}, "encoding": encoding},
        {
            **one,
            "mark": {"type": "text", "align": "right", "dy": -7, "text": text, "clip": True},
            "encoding": {**encoding, "x": {"value": {"expr": "width"}}},
        },
    ]  # fmt: skip


def _envelope(steps: Sequence[int], allowed: Values) -> list[Spec]:
    rows = [
        {"x": step, "y": float(f"{allowed[step]:.4g}")}
        for step in steps
        if step < len(allowed) and np.isfinite(allowed[step])
    ]
    place = {
        "x": {"field": "x", "type": "quantitative"},
        "y": {"field": "y", "type": "quantitative"},
    }
    line = {"type": "line", "clip": True, "strokeWidth": 1.5, "opacity": 0.7}
    text = {"type": "text", "align": "right", "dy": 11, "text": "allowed", "clip": True}
    return [
        {"name": "envelope", "data": {"values": rows}, "mark": line, "encoding": place},
        {"data": {"values": rows[-1:]}, "mark": text, "encoding": place},
    ]


def _over(cells: Sequence[CellSummary], ys: Values, first: int = 0) -> Curves:
    return Curves([cell.label for cell in cells], range(first, first + ys.shape[1]), ys)


def _rate(cell: CellSummary) -> float:
    return cell.tokens_per_second.value if cell.tokens_per_second else 0.0


def _loss_text(loss: float | None) -> str:
    return "not finite" if loss is None else f"{loss:.4f}"


def _difference(cell: CellSummary) -> str:
    found = cell.max_loss_difference
    return "infinite" if found is None else f"{found:.1e}"
