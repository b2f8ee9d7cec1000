"""How a classifier treats groups: rates by group, and signed differences with their intervals.

A difference of two groups has a sign, so that its interval can contain zero: that of the largest
and the smallest rate never does (Lum et al. 2022). Intervals are over examples, drawn again within
each group; a text and its twin are drawn together.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.records.groups import GroupGap, GroupRates, Groups, TwinGap
from compare.records.values import Estimate
from compare.stats.resampling import percentiles

LEAST_EXAMPLES, LEAST_OF_A_CLASS = 30, 10
"""Of a group, for its rates to be told"""
RATES = ("selection", "tpr", "fpr", "accuracy")
_SEED = 1
_PERMUTATIONS = 1000

Odds = NDArray[np.float64]
Truths = NDArray[np.bool_]


class Judged(NamedTuple):
    """By example (examples,): whether its label is positive, the probability of that, whether the
    positive class is chosen and whether what is chosen is right, 0 or 1 or, of a rule that draws,
    the chance of it; and its group."""

    labels: Truths
    odds: Odds
    chosen: Odds
    right: Odds
    groups: NDArray[np.str_]

    @classmethod
    def of(
        cls,
        wanted: NDArray[np.intp],
        outputs: NDArray[np.float64],
        positive: int,
        groups: NDArray[np.str_],
    ) -> "Judged":
        """From the numbers of classes (examples,) and the probabilities of all (examples, classes);
        the class of an example is the likeliest, as its accuracy has it."""
        likeliest = outputs.argmax(-1)
        return cls(
            wanted == positive,
            outputs[:, positive],
            (likeliest == positive).astype(np.float64),
            (likeliest == wanted).astype(np.float64),
            groups,
        )


def groups_of(
    judged: Judged,
    twins: Judged | None,
    counted: Truths | None,
    positive: str,
    resamples: int,
    right_if_biased: Odds | None = None,
) -> Groups:
    """Everything that is told of groups; `twins` are the same texts of the other group, of which
    those that are `counted` have a say; `right_if_biased` has what is right by the labels that the
    training data's bias would give."""
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
    return Groups(
        positive=positive,
        rates=rates,
        gaps=gaps,
        twins=gap,
        accuracy=_share(judged.right, resamples),
        biased_accuracy=None if right_if_biased is None else _share(right_if_biased, resamples),
        notes=notes,
    )


def _share(of: Odds, resamples: int) -> Estimate:
    random = np.random.Generator(np.random.Philox(_SEED))
    drawn = random.integers(0, len(of), (resamples, len(of)))
    return Estimate.of(percentiles(float(of.mean()), of[drawn].mean(-1)))


def _rates(name: str, judged: Judged) -> GroupRates:
    mine = judged.groups == name
    labels, odds, chosen = judged.labels[mine], judged.odds[mine], judged.chosen[mine]
    count, positives = len(labels), int(labels.sum())
    if count < LEAST_EXAMPLES or min(positives, count - positives) < LEAST_OF_A_CLASS:
        return GroupRates(group=name, count=count, positives=positives)
    return GroupRates(
        group=name,
        count=count,
        positives=positives,
        selection=float(chosen.mean()),
        tpr=float(chosen[labels].mean()),
        fpr=float(chosen[~labels].mean()),
        accuracy=float(judged.right[mine].mean()),
        calibration=float(odds.mean() - labels.mean()),
        auroc=auroc(labels, odds),
    )


def auroc(labels: NDArray[np.bool_], odds: Odds) -> float:
    """The chance that a positive example has the larger probability, ties half (Hanley and McNeil
    1982)."""
    ours, others = np.sort(odds[labels]), np.sort(odds[~labels])
    below = np.searchsorted(others, ours, "left") + np.searchsorted(others, ours, "right")
    return float(below.sum() / 2 / (len(ours) * len(others)))


def _rate(rate: str, judged: Judged, picked: NDArray[Any]) -> NDArray[np.float64]:
    """Of the examples that are picked, by number (..., examples) or by a truth for each."""
    labels, chosen = judged.labels[picked], judged.chosen[picked]
    found: NDArray[np.float64]
    if rate == "selection":
        found = chosen.mean(-1)
    elif rate == "accuracy":
        found = judged.right[picked].mean(-1)
    else:
        of = labels if rate == "tpr" else ~labels
        with np.errstate(invalid="ignore"):  # a draw without any is left out
            found = (chosen * of).sum(-1) / of.sum(-1)
    return np.asarray(found)


def _two(judged: Judged, names: Sequence[str], resamples: int) -> list[GroupGap]:
    """The second name is the reference: first less second."""
    first, second = names[::-1]  # women before men, as the alphabet has it
    random = np.random.Generator(np.random.Philox(_SEED))
    groups = [np.flatnonzero(judged.groups == name) for name in (first, second)]
    drawn = [mine[random.integers(0, len(mine), (resamples, len(mine)))] for mine in groups]
    found = []
    for rate in RATES:
        ours, theirs = (_rate(rate, judged, mine) for mine in groups)
        draws = [_rate(rate, judged, some) for some in drawn]
        gap = percentiles(float(ours - theirs), draws[0] - draws[1])
        found.append(GroupGap(rate=rate, first=first, second=second, gap=Estimate.of(gap)))
    return found


def _many(judged: Judged, names: Sequence[str]) -> list[GroupGap]:
    """The largest less the smallest, beside what groups that are drawn at random come to."""
    if len(names) < 3:
        return []
    groups = judged.groups
    random = np.random.Generator(np.random.Philox(_SEED))
    found = []
    for rate in RATES:
        by_group = {n: float(_rate(rate, judged, groups == n)) for n in names}
        high, low = max(by_group, key=by_group.__getitem__), min(by_group, key=by_group.__getitem__)
        shuffled = []
        for _ in range(_PERMUTATIONS):
            other = random.permutation(groups)
            some = [float(_rate(rate, judged, other == n)) for n in names]
            shuffled.append(max(some) - min(some))
        gap = Estimate(value=by_group[high] - by_group[low], low=None, high=None)
        chance = float(np.quantile(shuffled, 0.95))
        found.append(GroupGap(rate=rate, first=high, second=low, gap=gap, by_chance=chance))
    return found


def _has_classes(judged: Judged, counted: Truths) -> bool:
    return bool(judged.labels[counted].sum() >= LEAST_OF_A_CLASS)


def _twin_gap(
    judged: Judged, twins: Judged, counted: Truths, first: str, resamples: int
) -> TwinGap | None:
    """The change of a text's answer when it speaks of the other group, pairs drawn together."""
    if counted.sum() < LEAST_EXAMPLES:
        return None
    own, other = judged.odds[counted], twins.odds[counted]
    chosen, others = judged.chosen[counted], twins.chosen[counted]
    sign = np.where(judged.groups[counted] == first, 1.0, -1.0)
    random = np.random.Generator(np.random.Philox(_SEED))
    drawn = random.integers(0, len(own), (resamples, len(own)))  # of pairs

    def over_pairs(values: NDArray[np.float64]) -> Estimate:
        return Estimate.of(percentiles(float(values.mean()), values[drawn].mean(-1)))

    def over_positive_pairs(values: NDArray[np.float64]) -> Estimate:
        of = judged.labels[counted]
        draws = (values * of)[drawn].sum(-1) / of[drawn].sum(-1)
        return Estimate.of(percentiles(float(values[of].mean()), draws))

    return TwinGap(
        count=int(counted.sum()),
        probability=over_pairs(sign * (own - other)),
        selection=over_pairs(sign * (chosen - others)),
        tpr=over_positive_pairs(sign * (chosen - others))
        if _has_classes(judged, counted)
        else None,
        flips=over_pairs(np.abs(chosen - others)),
    )
