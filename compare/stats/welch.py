"""Welch's test of two independent samples (Welch 1947)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.stats.intervals import CONFIDENCE, LEAST_FOR_INTERVAL, Interval, t_quantile, two_sided


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


def welch(
    ours: Sequence[float] | NDArray[np.float64],
    theirs: Sequence[float] | NDArray[np.float64],
    unseen: float = 0.0,
) -> Welch | None:
    """Of two independent samples of unequal variances (Welch 1947); None where either is of a
    single value. `unseen` is the standard error of what the samples cannot tell, and is known."""
    counts = [len(theirs), len(ours)]
    if min(counts) < LEAST_FOR_INTERVAL:
        return None
    samples = [np.asarray(sample, np.float64) for sample in (theirs, ours)]
    difference = float(samples[1].mean() - samples[0].mean())
    parts = [float(s.var(ddof=1)) / count for s, count in zip(samples, counts, strict=True)]
    total = sum(parts) + unseen**2
    squares = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    freedom = total**2 / squares if squares else float(sum(counts) - 2)
    return Welch(difference, math.sqrt(total), freedom)
