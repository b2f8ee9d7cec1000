"""Pure functions from timed windows to rates, ratios and their intervals."""

import math
from collections.abc import Sequence
from typing import NamedTuple

CONFIDENCE = 0.95
LEAST_FOR_INTERVAL = 2
"""Of a single value nothing tells how far another would have been from it."""
_TELLS_NOTHING = 1000.0
"""How many times the lower end the upper one is where two or three windows that differ have been
asked too much: such ends go up to 10 to the fiftieth."""

_KNOWN = 1e9
"""Degrees of freedom of a standard error that is known: Student's t is then the normal one."""


class Interval(NamedTuple):
    """A figure with the ends of its 95% interval; the ends are None where there are too few
    windows to tell, or where they would lie so far apart that they tell nothing."""

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


def log_ratios(ours: Sequence[Timing], theirs: Sequence[Timing]) -> list[float]:
    """Log of our rate over theirs, pair by pair.

    Windows of the same index were played a moment apart on the same machine, so what slows
    both drops out of each; on logs, since speeds compare as ratios.
    """
    return [math.log(a.rate / b.rate) for a, b in zip(ours, theirs, strict=True)]


class Spread(NamedTuple):
    """How far a figure may be off: the standard error of its log, and the degrees of freedom."""

    error: float
    freedom: float

    def interval(self, value: float, confidence: float = CONFIDENCE) -> Interval:
        """Student's t interval around a value, on a log scale."""
        return _log_interval(value, t_quantile(self.freedom, confidence) * self.error)

    def p_value(self, log: float) -> float:
        """Two-sided, that the value is 1, of which `log` is the log."""
        if self.error == 0:
            return 0.0 if log else 1.0
        return two_sided(self.freedom, log / self.error)

    @classmethod
    def of(cls, logs: Sequence[float], unseen: float = 0.0, least: float = 0.0) -> "Spread | None":
        """Of the mean of logs; None where there is one alone.

        `unseen` is the standard error of what all of them have in common, which they cannot tell
        and which is known: the two add in squares, with the freedom of such a sum (Welch 1947).
        An error below `least` is taken for luck.
        """
        if len(logs) < LEAST_FOR_INTERVAL:
            return None
        own = _standard_error(logs)
        error = math.hypot(own, unseen)
        freedom = (len(logs) - 1) * (error / own) ** 4 if own else _KNOWN
        return cls(max(error, least), min(freedom, _KNOWN) if unseen else len(logs) - 1)


def ratio(logs: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """The geometric mean of rates or ratios, of which these are the logs, with Student's t
    interval; of `log_ratios` it is how many times as fast, and the interval the paired one."""
    return around(math.exp(mean(logs)), logs, confidence) if logs else None


def p_value(logs: Sequence[float]) -> float:
    """Two-sided p-value of the paired t test that the ratio is 1; 1 where one pair is all."""
    spread = Spread.of(logs)
    return spread.p_value(mean(logs)) if spread else 1.0


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


def independent_ratio(ours: Interval, theirs: Interval) -> Interval:
    """Of two rates that were measured apart: on a log scale their half-widths add in squares."""
    value = ours.value / theirs.value
    halves = [
        math.log(rate.high / rate.low) / 2 for rate in (ours, theirs) if rate.low and rate.high
    ]
    if len(halves) < 2:
        return Interval(value, None, None)
    return _log_interval(value, math.hypot(*halves))


def geometric_mean(ratios: Sequence[Interval]) -> Interval:
    """Of ratios that were measured apart, such as of different experiments. Its interval is of what
    was measured: of other experiments it says nothing."""
    value = math.exp(mean([math.log(one.value) for one in ratios]))
    halves = [math.log(one.high / one.low) / 2 for one in ratios if one.low and one.high]
    if len(halves) < len(ratios):
        return Interval(value, None, None)
    return _log_interval(value, math.hypot(*halves) / len(ratios))


def two_sided(freedom: float, t: float) -> float:
    """The chance that Student's t is at least as far from zero."""
    from scipy.special import stdtr  # takes half a second, and most commands test nothing

    return 2 * float(stdtr(freedom, -abs(t)))


def t_quantile(freedom: float, confidence: float = CONFIDENCE) -> float:
    """How many standard errors an interval reaches to either side, by Student's t."""
    from scipy.special import stdtrit  # without the weight of scipy.stats

    return float(stdtrit(freedom, (1 + confidence) / 2))


def around(value: float, logs: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """A value with the half-width, on a log scale, that these logs give to their mean."""
    spread = Spread.of(logs)
    return spread.interval(value, confidence) if spread else Interval(value, None, None)


def _log_interval(value: float, half: float) -> Interval:
    """`half` is the half-width on a log scale."""
    if 2 * half > math.log(_TELLS_NOTHING):
        return Interval(value, None, None)
    return Interval(value, value * math.exp(-half), value * math.exp(half))


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _standard_error(values: Sequence[float]) -> float:
    """Of the mean of two values or more."""
    center = mean(values)
    squares = math.fsum((value - center) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1) / len(values))
