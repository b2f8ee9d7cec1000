"""Pure functions from timed windows to rates, ratios and their intervals."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit  # Student's t, without the weight of scipy.stats

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


def throughput(windows: Sequence[Timing]) -> Interval | None:
    """Total tokens over total seconds, with a t interval on the windows' log rates."""
    if not windows:
        return None
    total = sum(w.tokens for w in windows) / sum(w.seconds for w in windows)
    return _around(total, [math.log(w.rate) for w in windows], CONFIDENCE)


def log_ratios(ours: Sequence[Timing], theirs: Sequence[Timing]) -> list[float]:
    """Log of our rate over theirs, pair by pair.

    Windows of the same index were played a moment apart on the same machine, so what slows
    both drops out of each; on logs, since speeds compare as ratios.
    """
    return [math.log(a.rate / b.rate) for a, b in zip(ours, theirs, strict=True)]


def ratio(logs: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """How many times as fast, from `log_ratios`: their mean with Student's paired t interval."""
    return _around(math.exp(_mean(logs)), logs, confidence) if logs else None


def p_value(logs: Sequence[float]) -> float:
    """Two-sided p-value of the paired t test that the ratio is 1; 1 where one pair is all."""
    if len(logs) < 2:
        return 1.0
    mean, error = _mean(logs), _standard_error(logs)
    if error == 0:
        return 0.0 if mean else 1.0
    return 2 * float(stdtr(len(logs) - 1, -abs(mean / error)))


def holm_confidences(p_values: Sequence[float], confidence: float = CONFIDENCE) -> list[float]:
    """The confidence at which each of several comparisons is to be held (Holm 1979).

    The smallest of m p-values is tested at 1/m of the error, the next at 1/(m-1), and so on;
    from the first that does not pass on, all others are held at its level. So the chance that
    any of the intervals wrongly excludes 1 is at most 1 - confidence.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    found, error, passing = [confidence] * len(order), 1 - confidence, True
    level = error
    for rank, index in enumerate(order):
        if passing:
            level = error / (len(order) - rank)
            passing = p_values[index] < level
        found[index] = 1 - level
    return found


def half_width(interval: Interval) -> float:
    """Of an interval on a log scale, as a fraction of its value; infinite where it has no ends."""
    if interval.low is None or interval.high is None:
        return math.inf
    return math.sqrt(interval.high / interval.low) - 1


def bootstrap(
    metric: Callable[..., Any], arrays: Sequence[NDArray[Any]], resamples: int
) -> Interval:
    """A metric of a sample of examples, with a percentile interval over resamples of them
    (Efron and Tibshirani 1993, section 13.3).

    `metric` is given the arrays, each (n, ...), with some rows more than once. A resample for
    which it is not defined (NaN, or a ValueError), such as one of a single class, is left out.
    """
    count = len(arrays[0])
    random = np.random.Generator(np.random.Philox(_RESAMPLING_SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metrics that are not defined on a resample
        found = np.array(
            [
                _or_nan(metric, [array[picked] for array in arrays])
                for picked in random.integers(0, count, (resamples, count))
            ]
        )
        value = float(metric(*arrays))
    return percentiles(value, found) if count > 1 else Interval(value, None, None)


def _or_nan(metric: Callable[..., Any], arrays: Sequence[NDArray[Any]]) -> float:
    try:
        return float(metric(*arrays))
    except ValueError:
        return math.nan


def percentiles(value: float, resampled: Sequence[float] | NDArray[np.float64]) -> Interval:
    """A value, with the percentile interval of what its resamples came to."""
    found = np.array(resampled, np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        return Interval(value, None, None)
    tails = (1 - CONFIDENCE) / 2
    low, high = np.quantile(found, (tails, 1 - tails))
    return Interval(value, float(low), float(high))


def _around(value: float, logs: Sequence[float], confidence: float) -> Interval:
    count = len(logs)
    if count < 2:
        return Interval(value, None, None)
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * _standard_error(logs)
    return Interval(value, value * math.exp(-half), value * math.exp(half))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _standard_error(values: Sequence[float]) -> float:
    """Of the mean of two values or more."""
    mean = _mean(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1) / len(values))
