"""Did they learn the same thing? The losses, and how far they are from each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary

from . import curves
from .curves import Axis, Curves, Spec, Values, matrix, thinned
from .figures import Figure, labels, listed

_STEPS = Axis("step", ",d", ",d")
_COINCIDE = 0.004  # of what the axis spans: about a pixel


def loss(summary: Summary) -> Figure | None:
    """One curve for all that coincide, and one for each other."""
    cells = [cell for cell in summary.cells if cell.losses]
    if not cells:
        return None
    losses = matrix([cell.losses for cell in cells])
    names = [cell.label for cell in cells]
    drawn = thinned(Curves(names, range(losses.shape[1]), losses), "step")
    together = [cell.label for cell in _coinciding(cells, drawn.ys)]
    floor = summary.floor
    beside = _rule(floor, f"floor of validation {floor:.4f}") if floor is not None else []
    if together:
        who = f"all {len(names)}" if together == names else f"{len(together)} of {len(names)}"
        beside.append(_corner(f"{who} coincide"))
    return Figure(
        "loss",
        curves.spec(
            drawn, _STEPS,
            Axis("training loss, nats per token", ".4f", ".4~f", zero=floor == 0),
            labels(summary), beside, together=together,
        ),
        f"Training loss at each step. {_who(together, names)}{drawn.how}",
        f"The training loss goes: {listed([_from_to(cell) for cell in cells])}."
        + (f" The floor of validation is {floor:.4f}." if floor is not None else ""),
        [name for name in names if name not in together],
        zooms=True,
    )  # fmt: skip


def parity(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if any(cell.loss_differences)]
    if not cells:
        return None
    apart = matrix([cell.loss_differences for cell in cells])
    apart[apart == 0] = np.nan
    names = [cell.label for cell in cells]
    drawn = thinned(Curves(names, range(apart.shape[1]), apart), "step", largest=True)
    allowed = matrix([summary.allowed_loss_differences])[0]
    spec = curves.spec(
        drawn,
        _STEPS,
        Axis("relative difference of the loss", ".1e", "~e", "log"),
        labels(summary),
        _envelope(drawn.xs, allowed),
    )
    worst = [f"{cell.label} {_difference(cell)}" for cell in cells]
    return Figure(
        "parity",
        spec,
        "How far each loss is from the others' at each step; where it is the same to the last bit,"
        " nothing is drawn. Below the grey line, rounding alone can explain it: that was measured"
        f" in this run. {drawn.how}",
        f"Largest relative difference of the loss to another backend's: {listed(worst)};"
        f" allowed at the last step: {allowed[-1]:.1e}.",
        names,
        zooms=True,
    )


def _coinciding(cells: Sequence[CellSummary], losses: Values) -> list[CellSummary]:
    """Those inside the parity gate that no eye could tell apart in the plot; none if it is one."""
    inside = [i for i, cell in enumerate(cells) if cell.status != "parity_failed"]
    if not inside:
        return []
    known = losses[np.isfinite(losses)]
    span = float(known.max() - known.min()) if known.size else 0.0
    first = losses[inside[0]]
    found = []
    for i in inside:
        apart = np.abs(losses[i] - first)
        apart = apart[np.isfinite(apart)]
        if not apart.size or apart.max() <= _COINCIDE * span:
            found.append(cells[i])
    return found if len(found) > 1 else []


def _corner(text: str) -> Spec:
    """In the upper right, which a loss that falls leaves free."""
    return {
        "data": {"values": [{}]},
        "mark": {"type": "text", "align": "right", "text": text},
        "encoding": {"x": {"value": {"expr": "width"}}, "y": {"value": 8}},
    }


def _who(together: Sequence[str], names: Sequence[str]) -> str:
    if not together:
        return ""
    if len(together) == len(names):
        return f"One curve stands for all of them: {listed(together)} coincide. "
    return f"One curve stands for those that coincide: {listed(together)}. "


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


def _from_to(cell: CellSummary) -> str:
    return f"{cell.label} from {_loss_text(cell.losses[0])} to {_loss_text(cell.losses[-1])}"


def _loss_text(loss: float | None) -> str:
    return "not finite" if loss is None else f"{loss:.4f}"


def _difference(cell: CellSummary) -> str:
    found = cell.max_loss_difference
    return "infinite" if found is None else f"{found:.1e}"
