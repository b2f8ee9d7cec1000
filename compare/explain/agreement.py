"""Whether two models give the same explanations of the same answers."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.stats.intervals import Interval
from compare.stats.resampling import RESAMPLES, percentiles

TOP = 5
"""Tokens of which it is asked whether both have them among their largest"""

_SEED = 1
_LEAST_TEXTS = 10  # resamples of fewer are narrower than what another text would bring

Scores = NDArray[np.float64]


class Agreement(NamedTuple):
    """Of two sets of attributions, the median over texts with its bootstrap interval: Spearman's
    rank correlation of the scores, the share of the `TOP` largest by size that both have, and the
    share of those of one that have the same sign in the other (feature and sign agreement of
    Krishna et al. 2022, section 4.1)."""

    rank: Interval
    top: Interval
    sign: Interval


def agreement(ours: Sequence[Scores], theirs: Sequence[Scores]) -> Agreement | None:
    """None where no text has two tokens and two scores: there is nothing to order."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if len(a) > 1]
    rank = median([spearman(a, b) for a, b in pairs])
    top = median([top_overlap(a, b) for a, b in pairs])
    sign = median([same_sign(a, b) for a, b in pairs])
    return Agreement(rank, top, sign) if rank and top and sign else None


def spearman(a: Scores, b: Scores) -> float:
    """Rank correlation, ties at their mean rank; NaN where one has all values equal."""
    x, y = _ranks(a), _ranks(b)
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / scale if scale else float("nan")


def _ranks(values: Scores) -> Scores:
    """From 1, equals at the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Scores = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def top_overlap(a: Scores, b: Scores) -> float:
    ours, theirs = set(largest(a)), set(largest(b))
    return len(ours & theirs) / len(ours)


def same_sign(a: Scores, b: Scores) -> float:
    at = largest(a)
    return float(np.mean(np.sign(a[at]) == np.sign(b[at])))


def largest(scores: Scores, count: int = TOP) -> list[int]:
    """The places of the largest scores by size; of equals the one that stands first."""
    order = np.argsort(-np.abs(scores), kind="stable")
    return [int(place) for place in order[: min(count, len(scores))]]


def median(values: Sequence[float]) -> Interval | None:
    return _over_texts(values, np.median)


def mean(values: Sequence[float]) -> Interval | None:
    return _over_texts(values, np.mean)


def _over_texts(values: Sequence[float], statistic: Callable[..., Any]) -> Interval | None:
    """With the percentile interval of resamples of texts (Efron and Tibshirani 1993, section 13.3),
    where there are enough of them to draw from; None where no text has a figure."""
    found = np.array([value for value in values if np.isfinite(value)])
    if not len(found):
        return None
    value = float(statistic(found))
    if len(found) < _LEAST_TEXTS:
        return Interval(value, None, None)
    random = np.random.Generator(np.random.Philox(_SEED))
    drawn = found[random.integers(0, len(found), (RESAMPLES, len(found)))]
    return percentiles(value, statistic(drawn, axis=1))
