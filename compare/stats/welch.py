"""Welch's test of two independent samples (Welch 1947)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from compare.stats.intervals import CONFIDENCE, Interval, Spread, mean, t_quantile, two_sided


class Welch(NamedTuple):
    """The difference of two means, its standard error, and the degrees of freedom of that."""

    difference: float
    error: float
    freedom: float

    def p_value(self) -> float:
        """Two-sided, that there is no difference."""
        if self.error == 0:
            return 0.0 if self.difference else 1.0
        return two_sided(self.freedom, self.difference / self.error)

    def ends(self, confidence: float) -> tuple[float, float]:
        half = t_quantile(self.freedom, confidence) * self.error
        return self.difference - half, self.difference + half

    def ratio(self, confidence: float = CONFIDENCE) -> Interval:
        """Of samples that are logs: how many times as large ours is as theirs."""
        low, high = self.ends(confidence)
        return Interval(math.exp(self.difference), math.exp(low), math.exp(high))


def welch(ours: Sequence[float], theirs: Sequence[float]) -> Welch | None:
    """Of two independent samples of unequal variances (Welch 1947); None where either is of a
    single value."""
    spreads = Spread.of(ours), Spread.of(theirs)
    return apart(mean(ours) - mean(theirs), *spreads)


def apart(difference: float, ours: Spread | None, theirs: Spread | None) -> Welch | None:
    """The same of means whose spreads are known; None where either is not."""
    if ours is None or theirs is None:
        return None
    error = math.hypot(ours.error, theirs.error)
    squares = sum(one.error**4 / one.freedom for one in (ours, theirs))
    freedom = error**4 / squares if squares else ours.freedom + theirs.freedom
    return Welch(difference, error, freedom)
