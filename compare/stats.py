"""Pure functions from timed windows to rates, ratios and their intervals."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # Student t quantile, without the weight of scipy.stats

CONFIDENCE = 0.95
_RESAMPLING_SEED = 1


class Interval(NamedTuple):
    """A figure with the ends of its 95% interval; the ends are None where there are too few
    windows to tell."""

    value: float
    low: float | None
    high: float | None


class Timing(NamedTuple):
    """One timed window: tokens trained and seconds taken."""

    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


def geometric_rate(windows: Sequence[Timing]) -> float:
    """Geometric mean of the windows' rates: what `ratio` compares, so the largest of these
    has no ratio above 1."""
    return math.exp(math.fsum(math.log(w.rate) for w in windows) / len(windows))


def throughput(windows: Sequence[Timing]) -> Interval | None:
    """Total tokens over total seconds, with a t interval on the windows' log rates."""
    if not windows:
        return None
    total = sum(w.tokens for w in windows) / sum(w.seconds for w in windows)
    return _around(total, [math.log(w.rate) for w in windows])


def ratio(ours: Sequence[Timing], theirs: Sequence[Timing]) -> Interval | None:
    """How many times as fast we are: paired t interval on log ratios of the windows' rates.

    Windows of the same index were played a moment apart on the same machine, so what slows
    both drops out (Student's paired test; on logs since speeds compare as ratios).
    """
    if not ours or len(ours) != len(theirs):
        return None
    logs = [math.log(a.rate / b.rate) for a, b in zip(ours, theirs, strict=True)]
    return _around(math.exp(math.fsum(logs) / len(logs)), logs)


def bootstrap(
    metric: Callable[..., Any], arrays: Sequence[NDArray[Any]], resamples: int
) -> Interval:
    """A metric of a sample of examples, with a percentile interval over resamples of them
    (Efron and Tibshirani 1993, section 13.3).

    `metric` is given the arrays, each (n, ...), with some rows more than once. A resample for
    which it is not defined, such as one of a single class, is left out.
    """
    count = len(arrays[0])
    random = np.random.Generator(np.random.Philox(_RESAMPLING_SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metrics that are not defined on a resample
        found = np.array(
            [
                float(metric(*(array[picked] for array in arrays)))
                for picked in random.integers(0, count, (resamples, count))
            ]
        )
        value = float(metric(*arrays))
    return percentiles(value, found) if count > 1 else Interval(value, None, None)


def percentiles(value: float, resampled: Sequence[float] | NDArray[np.float64]) -> Interval:
    """A value, with the percentile interval of what its resamples came to."""
    found = np.array(resampled, np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        return Interval(value, None, None)
    tails = (1 - CONFIDENCE) / 2
    low, high = np.quantile(found, (tails, 1 - tails))
    return Interval(value, float(low), float(high))


def _around(value: float, logs: Sequence[float]) -> Interval:
    count = len(logs)
    if count < 2:
        return Interval(value, None, None)
    mean = math.fsum(logs) / count
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in logs) / (count - 1))
    quantile = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
    half = quantile * deviation / math.sqrt(count)
    return Interval(value, value * math.exp(-half), value * math.exp(half))
