"""How far figures scatter over repeats, such as trainings from other seeds: each counts once."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from compare.stats.intervals import LEAST_FOR_INTERVAL, Interval, mean, ratio, t_quantile


class Spread(NamedTuple):
    """`mean` has Student's t interval over the repeats, of the mean of all repeats that there could
    be; `deviation` is how far one of them is from it, the sample's standard deviation."""

    repeats: int
    mean: Interval
    deviation: float
    lowest: float
    highest: float


def spread_of(values: Sequence[float]) -> Spread | None:
    """Of two repeats or more, as long as they are finite."""
    if len(values) < LEAST_FOR_INTERVAL or not all(map(math.isfinite, values)):
        return None
    center, count = mean(values), len(values)
    squares = math.fsum((value - center) ** 2 for value in values)
    deviation = math.sqrt(squares / (count - 1))
    half = t_quantile(count - 1) * deviation / math.sqrt(count)
    interval = Interval(center, center - half, center + half)
    return Spread(count, interval, deviation, min(values), max(values))


def ratio_over(ratios: Sequence[float]) -> Interval | None:
    """The geometric mean of ratios that were measured apart, each of them once, with Student's t
    interval of their logs.

    However exact each was measured, what counts is how far they are apart: so the interval is of
    the ratio at another repeat's like, not of these alone. It is exact where logs are normal, and
    holds what is measured within each as part of their scatter.
    """
    return ratio([math.log(one) for one in ratios])
