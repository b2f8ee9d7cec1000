"""Welch's test of two independent samples (Welch 1947)."""

import math
from collections.abc import Sequence
from statistics import variance
from typing import NamedTuple

from scipy.special import stdtr, stdtrit


class Welch(NamedTuple):
    """The difference of two means, its standard error, and the degrees of freedom of that."""

    difference: float
    error: float
    freedom: float

    def p_value(self) -> float:
        """Two-sided, that there is no difference."""
        if self.error == 0:
            return 0.0 if self.difference else 1.0
        return 2 * float(stdtr(self.freedom, -abs(self.difference / self.error)))

    def ends(self, confidence: float) -> tuple[float, float]:
        half = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error
        return self.difference - half, self.difference + half


def welch(ours: Sequence[float], theirs: Sequence[float]) -> Welch | None:
    """Of two independent samples of unequal variances (Welch 1947); None where either is of a
    single value."""
    if min(len(ours), len(theirs)) < 2:
        return None
    parts = [variance(sample) / len(sample) for sample in (ours, theirs)]
    squares = [part**2 / (len(s) - 1) for part, s in zip(parts, (ours, theirs), strict=True)]
    freedom = sum(parts) ** 2 / sum(squares) if sum(squares) else float(len(ours) + len(theirs) - 2)
    difference = math.fsum(ours) / len(ours) - math.fsum(theirs) / len(theirs)
    return Welch(difference, math.sqrt(sum(parts)), freedom)
