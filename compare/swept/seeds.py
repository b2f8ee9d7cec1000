"""What another seed would have changed: the spread of losses and qualities over seeds, and how much
faster one backend is than another over all of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from pydantic import BaseModel

from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.records.values import Estimate
from compare.stats.spread import ratio_over, spread_of

SEED = "train.seed"
_PLACE = ("cpu", "cpus", "threads")
_RATES = {"tpr": "TPR", "fpr": "FPR"}

Swept = tuple[Mapping[str, Any], Summary]
"""The values of a point's fields, and what was found there"""


class SeedSpread(BaseModel):
    """A figure of one backend over seeds, at the same `others`, the values of what else was swept.
    `mean` has a 95% interval over seeds; `over_examples` is half of the interval that the examples
    of one training leave, on the average, which is another thing; null where it has none."""

    others: dict[str, Any]
    label: str
    figure: str
    seeds: int
    mean: Estimate
    deviation: float
    lowest: float
    highest: float
    over_examples: float | None


class SpeedOverSeeds(BaseModel):
    """How many times as fast `first` is as `second`: the geometric mean over `seeds`, each once,
    with a 95% interval over them."""

    others: dict[str, Any]
    first: str
    second: str
    seeds: int
    ratio: Estimate


def spreads_over_seeds(points: Sequence[Swept]) -> list[SeedSpread]:
    """Of every figure that two seeds have, in the order of the points; of none that any of them
    left without a finite one, since what the others say is then of those that went well."""
    found: dict[tuple[str, str, str], list[Estimate]] = defaultdict(list)
    others: dict[str, dict[str, Any]] = {}
    for values, summary in points:
        its = _others(values)
        others[repr(its)] = its
        for cell in summary.cells:
            if SEED in values and cell.status == "ok":
                for figure, estimate in _figures(cell):
                    found[repr(its), cell.label, figure].append(estimate)
    return [
        spread
        for (at, label, figure), estimates in found.items()
        if (spread := _spread(others[at], label, figure, estimates))
    ]


def speeds_over_seeds(points: Sequence[Swept]) -> list[SpeedOverSeeds]:
    """Of every pair that was judged at two seeds or more on machines of one kind: who is faster
    comes first."""
    found: dict[tuple[str, str, frozenset[str]], list[tuple[str, str, float]]] = defaultdict(list)
    others: dict[str, dict[str, Any]] = {}
    for values, summary in points:
        its = _others(values)
        others[repr(its)] = its
        place = repr(
            [summary.environment.get(part) for part in _PLACE]
            + sorted({cell.device_name or "" for cell in summary.cells})
        )
        for one in summary.comparisons:
            if SEED in values and one.verdict != "not judged":
                key = repr(its), place, frozenset((one.first, one.second))
                found[key].append((one.first, one.second, one.ratio.value))
    return [_speed(others[at], its) for (at, _, _), its in found.items() if len(its) > 1]


def _figures(cell: CellSummary) -> Iterator[tuple[str, Estimate]]:
    losses = {
        "training loss": cell.losses[-1] if cell.losses else None,
        "validation loss": cell.validation_loss,
    }
    for name, value in losses.items():
        if value is not None:
            yield name, Estimate(value=value, low=None, high=None)
    yield from cell.quality.items()
    if cell.groups:
        for gap in cell.groups.gaps:
            if gap.by_chance is None:
                yield f"{_RATES.get(gap.rate, gap.rate)} difference", gap.gap
        if cell.groups.twins:
            yield "selection, same text", cell.groups.twins.selection


def _spread(
    others: dict[str, Any], label: str, figure: str, estimates: Sequence[Estimate]
) -> SeedSpread | None:
    found = spread_of([one.value for one in estimates])
    if found is None:
        return None
    halves = [
        (one.high - one.low) / 2
        for one in estimates
        if one.low is not None and one.high is not None
    ]
    mean = Estimate.of(found.mean)
    if found.lowest >= 0 and "difference" not in figure and mean.low is not None:
        mean = mean.model_copy(update={"low": max(0.0, mean.low)})  # none of these is below zero
    return SeedSpread(
        others=others, label=label, figure=figure, seeds=found.repeats,
        mean=mean, deviation=found.deviation, lowest=found.lowest,
        highest=found.highest, over_examples=fmean(halves) if halves else None,
    )  # fmt: skip


def _speed(others: dict[str, Any], found: Sequence[tuple[str, str, float]]) -> SpeedOverSeeds:
    first, second, _ = found[0]
    ratios = [value if one == first else 1 / value for one, _, value in found]
    interval = ratio_over(ratios)
    assert interval is not None  # there are two or more
    ratio = Estimate.of(interval)
    if ratio.value < 1:
        first, second, ratio = second, first, ratio.inverse()
    return SpeedOverSeeds(others=others, first=first, second=second, seeds=len(found), ratio=ratio)


def _others(values: Mapping[str, Any]) -> dict[str, Any]:
    """What else than the seed was swept there."""
    return {field: value for field, value in values.items() if field != SEED}
