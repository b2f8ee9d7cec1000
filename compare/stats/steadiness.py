"""Was a cell in a steady state while it was timed? Pure functions over its windows' rates."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.stats.intervals import Interval, Timing
from compare.stats.welch import welch

_LEAST = 8  # windows below which nothing can be said
_SEGMENT = 3  # windows on either side of a change, so that one noisy window is none
_SHUFFLES = 999
_SIGNIFICANCE = 0.01
_NOISY = 3.5
_SMALL_DRIFT = 0.01
_SEED = 1


class Steadiness(NamedTuple):
    """`drift`: rate of the last half over that of the first; `changepoint`: index of the window
    from which on the rate is another one, None where there is no such place; `noisy`: indices
    of windows far off the others, which count all the same."""

    drift: Interval | None
    changepoint: int | None
    noisy: tuple[int, ...]
    windows: int

    @property
    def steady(self) -> bool:
        """Neither did the rate change in the last quarter, nor are the halves apart: by more
        than 1%, and than chance."""
        late = self.changepoint is not None and self.changepoint >= self.windows * 3 / 4
        return not late and not self.drifts

    @property
    def drifts(self) -> bool:
        if self.drift is None or self.drift.low is None or self.drift.high is None:
            return False
        apart = not self.drift.low <= 1 <= self.drift.high
        return apart and abs(math.log(self.drift.value)) > _SMALL_DRIFT


def steadiness(windows: Sequence[Timing]) -> Steadiness:
    """Of the windows of one cell in one process, in the order in which they were played."""
    logs = np.array([math.log(window.rate) for window in windows])
    if len(logs) < _LEAST:
        return Steadiness(None, None, (), len(logs))
    return Steadiness(_drift(logs), _changepoint(logs), _noisy(logs), len(logs))


def _drift(logs: NDArray[np.float64]) -> Interval | None:
    """Ratio of the halves with Welch's t interval on the windows' log rates."""
    half = len(logs) // 2
    test = welch(logs[-half:].tolist(), logs[:half].tolist())
    return test.ratio() if test else None


def _changepoint(logs: NDArray[np.float64]) -> int | None:
    """Where the rate changes for good: the split with the largest rank-sum statistic.

    Of ranks, which spikes do not move (Pettitt 1979); whether it is larger than chance makes it
    is told by shuffling the windows, which holds for any number of them.
    """
    ranks = np.argsort(np.argsort(logs)).astype(np.float64)
    random = np.random.Generator(np.random.Philox(_SEED))
    shuffled = random.permuted(np.tile(ranks, (_SHUFFLES, 1)), axis=1)
    found = _rank_sums(ranks[None])[0]
    chance = _rank_sums(shuffled).max(axis=1)
    p = (1 + int(np.sum(chance >= found.max()))) / (_SHUFFLES + 1)
    return _SEGMENT + int(found.argmax()) if p <= _SIGNIFICANCE else None


def _rank_sums(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """|z| of Mann and Whitney's statistic for each split; ranks (samples, windows)."""
    count = ranks.shape[1]
    before = np.arange(_SEGMENT, count - _SEGMENT + 1)  # windows before each split
    sums = np.cumsum(ranks, axis=1)[:, before - 1]
    expected = before * (count - 1) / 2
    deviation = np.sqrt(before * (count - before) * (count + 1) / 12)
    found: NDArray[np.float64] = np.abs(sums - expected) / deviation
    return found


def _noisy(logs: NDArray[np.float64]) -> tuple[int, ...]:
    """Windows whose modified z-score exceeds 3.5 (Iglewicz and Hoaglin 1993)."""
    apart = np.abs(logs - np.median(logs))
    deviation = float(np.median(apart))
    if deviation == 0:
        return ()
    return tuple(int(index) for index in np.flatnonzero(0.6745 * apart / deviation > _NOISY))
