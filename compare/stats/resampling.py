"""Intervals of metrics over examples, by drawing examples again."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.stats.intervals import CONFIDENCE, LEAST_FOR_INTERVAL, Interval

_RESAMPLING_SEED = 1

RESAMPLES = 1000
"""Of the bootstrap intervals of a final evaluation."""


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
    return percentiles(value, found) if count >= LEAST_FOR_INTERVAL else Interval(value, None, None)


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
