"""How a cost grows with a size that was swept: a power law's exponent, with its interval."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from compare.findings.summary import Summary
from compare.records.thresholds import Thresholded
from compare.records.values import Estimate
from compare.stats.intervals import t_quantile
from compare.swept.places import machine_of
from compare.swept.seeds import SeedSpread, SpeedOverSeeds
from compare.swept.weak import WeakScaling

Quantity = Literal["step_seconds", "peak_memory_bytes"]
_LEAST_SIZES = 3  # two have a ratio, and every exponent of two fits it
QUANTITIES: tuple[Quantity, ...] = ("step_seconds", "peak_memory_bytes")


class SweptPoint(BaseModel):
    """One point of a sweep; without a summary where it was not begun. `thresholds` are what
    `compare fair` kept of it, `ranks` those of a point of weak scaling."""

    name: str
    values: dict[str, Any]
    ranks: list[int] = Field(default=[], exclude_if=lambda value: not value)
    summary: Summary | None
    thresholds: list[Thresholded] = Field(default=[], exclude_if=lambda value: not value)


class Scaling(BaseModel):
    """cost ~ size ** exponent for one cell, over the values of one swept field."""

    backend: str
    mode: str
    field: str
    quantity: Quantity
    exponent: Estimate
    points: int


class SweepSummary(BaseModel):
    """What a report shows of a sweep: a summary for each point, how costs scale, where seeds were
    swept what these change, and of weak scaling what it comes to. `notes` tell of points that could
    not be read or played."""

    run_id: str
    command: list[str]
    axes: dict[str, list[Any]]
    points: list[SweptPoint]
    scaling: list[Scaling]
    seeds: list[SeedSpread] = []
    speeds: list[SpeedOverSeeds] = []
    weak: list[WeakScaling] = Field(default=[], exclude_if=lambda value: not value)
    notes: list[str] = []


class _Measured(NamedTuple):
    size: float
    cost: float
    others: str  # other fields' values, and the machine: points are compared where all are equal


_NO_SIZES = ("train.seed",)
"""Fields of numbers that nothing grows with"""


def scalings(axes: dict[str, list[Any]], points: Sequence[SweptPoint]) -> list[Scaling]:
    """Exponents of every cell over every field of sizes, measured at three values or more; times
    that cannot be relied on are not among them. Of points on several machines they are of what
    grows within each."""
    found = []
    for field, values in axes.items():
        if field in _NO_SIZES or not all(_is_size(value) for value in values):
            continue
        for quantity in QUANTITIES:
            for (backend, mode), measured in _measured(field, quantity, points).items():
                enough = len({one.size for one in measured}) >= _LEAST_SIZES
                exponent = fit_exponent(measured) if enough else None
                if exponent is not None:
                    found.append(
                        Scaling(
                            backend=backend, mode=mode, field=field, quantity=quantity,
                            exponent=exponent, points=len(measured),
                        )
                    )  # fmt: skip
    return found


def fit_exponent(measured: Sequence[tuple[float, float, str]]) -> Estimate | None:
    """Least squares of log cost on log size, with an intercept for each group of the others.

    (size, cost, group) each; the interval is Student's t over the points. None where no group
    has two sizes; without ends where there are as many unknowns as points.
    """
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for size, cost, others in measured:
        groups[others].append((math.log(size), math.log(cost)))
    if all(len({size for size, _ in pairs}) == 1 for pairs in groups.values()):
        return None
    x, y = list[float](), list[float]()
    for pairs in groups.values():
        for values, out in ((0, x), (1, y)):
            mean = math.fsum(pair[values] for pair in pairs) / len(pairs)
            out += [pair[values] - mean for pair in pairs]
    squares = math.fsum(a * a for a in x)
    slope = math.fsum(a * b for a, b in zip(x, y, strict=True)) / squares
    freedom = len(x) - len(groups) - 1
    if freedom < 1:
        return Estimate(value=slope, low=None, high=None)
    residual = math.fsum((b - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    error = math.sqrt(residual / freedom / squares)
    half = t_quantile(freedom) * error
    return Estimate(value=slope, low=slope - half, high=slope + half)


def _measured(
    field: str, quantity: Quantity, points: Iterable[SweptPoint]
) -> dict[tuple[str, str], list[_Measured]]:
    found: dict[tuple[str, str], list[_Measured]] = defaultdict(list)
    for point in points:
        if point.summary is None:
            continue
        others = {name: value for name, value in point.values.items() if name != field}
        group = f"{others} {machine_of(point.summary)}"
        for cell in point.summary.cells:
            cost = getattr(cell, quantity)
            doubted = cell.doubt if quantity == "step_seconds" else ""
            if cell.status == "ok" and cell.ranks == 1 and cost and not doubted:
                size = float(point.values[field])
                found[cell.backend, cell.mode].append(_Measured(size, float(cost), group))
    return found


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
