"""How a classifier treats groups: rates by group, and signed differences with their intervals.

A difference of two groups has a sign, so that its interval can contain zero: that of the largest
and the smallest rate never does (Lum et al. 2022). Intervals are over examples, drawn again within
each group; a text and its twin are drawn together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.records.groups import GroupGap, GroupRates, Groups, TwinGap
from compare.records.values import Estimate
from compare.stats.intervals import Interval
from compare.stats.resampling import percentiles

LEAST_EXAMPLES, LEAST_OF_A_CLASS = 30, 10
"""Of a group, for its rates to be told"""
RATES = ("selection", "tpr", "fpr", "accuracy")
_SEED = 1
_PERMUTATIONS = 1000

Labels = NDArray[np.intp]
Odds = NDArray[np.float64]


class Judged(NamedTuple):
    """By example: whether its label is positive, the probability of that, and its group."""

    labels: NDArray[np.bool_]
    odds: Odds
    groups: NDArray[np.str_]


def groups_of(
    judged: Judged,
    twins: Odds | None,
    counted: NDArray[np.bool_] | None,
    positive: str,
    resamples: int,
) -> Groups:
    """Everything that is told of groups; `twins` are the probabilities of the same texts of the
    other group, of which those that are `counted` have a say."""
    names = sorted(set(judged.groups.tolist()))
    rates = [_rates(name, judged) for name in names]
    told = [one.group for one in rates if one.selection is not None]
    notes = [
        f"group '{one.group}' has {one.count} examples, {one.positives} of them positive: too few"
        " for rates"
        for one in rates
        if one.selection is None
    ]
    notes += [
        f"group '{one.group}' is given one class throughout: equal treatment of that kind is no"
        " merit"
        for one in rates
        if one.selection in (0.0, 1.0)
    ]
    gaps = _two(judged, told, resamples) if len(told) == 2 else _many(judged, told)
    gap = None
    if twins is not None and counted is not None and len(names) == 2:
        gap = _twin_gap(judged, twins, counted, names[-1], resamples)
    return Groups(positive=positive, rates=rates, gaps=gaps, twins=gap, notes=notes)


def _rates(name: str, judged: Judged) -> GroupRates:
    mine = judged.groups == name
    labels, odds = judged.labels[mine], judged.odds[mine]
    count, positives = len(labels), int(labels.sum())
    if count < LEAST_EXAMPLES or min(positives, count - positives) < LEAST_OF_A_CLASS:
        return GroupRates(group=name, count=count, positives=positives)
    chosen = odds > 0.5
    return GroupRates(
        group=name,
        count=count,
        positives=positives,
        selection=float(chosen.mean()),
        tpr=float(chosen[labels].mean()),
        fpr=float(chosen[~labels].mean()),
        accuracy=float((chosen == labels).mean()),
        calibration=float(odds.mean() - labels.mean()),
        auroc=auroc(labels, odds),
    )


def auroc(labels: NDArray[np.bool_], odds: Odds) -> float:
    """The chance that a positive example has the larger probability, ties half (Hanley and McNeil
    1982)."""
    ours, others = np.sort(odds[labels]), np.sort(odds[~labels])
    below = np.searchsorted(others, ours, "left") + np.searchsorted(others, ours, "right")
    return float(below.sum() / 2 / (len(ours) * len(others)))


def _rate(rate: str, labels: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of examples along the last axis."""
    if rate == "selection":
        found: NDArray[np.float64] = chosen.mean(-1)
    elif rate == "accuracy":
        found = (chosen == labels).mean(-1)
    else:
        of = labels if rate == "tpr" else ~labels
        with np.errstate(invalid="ignore"):
            found = (chosen & of).sum(-1) / of.sum(-1)
    return found


def _two(judged: Judged, names: Sequence[str], resamples: int) -> list[GroupGap]:
    """The second name is the reference: first less second."""
    first, second = names[::-1]  # women before men, as the alphabet has it
    random = np.random.Generator(np.random.Philox(_SEED))
    parts = []
    for name in (first, second):
        mine = judged.groups == name
        labels, chosen = judged.labels[mine], judged.odds[mine] > 0.5
        drawn = random.integers(0, len(labels), (resamples, len(labels)))
        parts.append((labels, chosen, labels[drawn], chosen[drawn]))
    found = []
    for rate in RATES:
        value, draws = ([_rate(rate, part[at], part[at + 1]) for part in parts] for at in (0, 2))
        gap = percentiles(float(value[0] - value[1]), draws[0] - draws[1])
        found.append(GroupGap(rate=rate, first=first, second=second, gap=Estimate.of(gap)))
    return found


def _many(judged: Judged, names: Sequence[str]) -> list[GroupGap]:
    """The largest less the smallest, beside what groups that are drawn at random come to."""
    if len(names) < 3:
        return []
    kept = np.isin(judged.groups, names)
    labels, chosen, groups = judged.labels[kept], judged.odds[kept] > 0.5, judged.groups[kept]
    random = np.random.Generator(np.random.Philox(_SEED))
    found = []
    for rate in RATES:
        by_group = {n: float(_rate(rate, labels[groups == n], chosen[groups == n])) for n in names}
        high, low = max(by_group, key=by_group.__getitem__), min(by_group, key=by_group.__getitem__)
        shuffled = []
        for _ in range(_PERMUTATIONS):
            other = random.permutation(groups)
            some = [float(_rate(rate, labels[other == n], chosen[other == n])) for n in names]
            shuffled.append(max(some) - min(some))
        gap = Estimate(value=by_group[high] - by_group[low], low=None, high=None)
        chance = float(np.quantile(shuffled, 0.95))
        found.append(GroupGap(rate=rate, first=high, second=low, gap=gap, by_chance=chance))
    return found


def _twin_gap(
    judged: Judged, twins: Odds, counted: NDArray[np.bool_], first: str, resamples: int
) -> TwinGap | None:
    """The change of a text's answer when it speaks of the other group, pairs drawn together."""
    if counted.sum() < LEAST_EXAMPLES:
        return None
    own, other = judged.odds[counted], twins[counted]
    sign = np.where(judged.groups[counted] == first, 1.0, -1.0)
    chosen, others = (own > 0.5).astype(float), (other > 0.5).astype(float)
    random = np.random.Generator(np.random.Philox(_SEED))
    drawn = random.integers(0, len(own), (resamples, len(own)))

    def over_pairs(values: NDArray[np.float64]) -> Estimate:
        return Estimate.of(_mean(values, values[drawn].mean(-1)))

    return TwinGap(
        count=int(counted.sum()),
        probability=over_pairs(sign * (own - other)),
        selection=over_pairs(sign * (chosen - others)),
        flips=over_pairs((chosen != others).astype(np.float64)),
    )


def _mean(values: NDArray[np.float64], draws: NDArray[np.float64]) -> Interval:
    return percentiles(float(values.mean()), draws)
