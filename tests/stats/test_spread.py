"""Spread over repeats, and the ratio over them: simulated, where the truth is known."""

import math
import random

import pytest

from compare.stats.intervals import Interval, geometric_mean
from compare.stats.spread import ratio_over, spread_of

TRUTH, BETWEEN, WITHIN = math.log(1.3), 0.05, 0.02
TRIALS = 2000


def simulated(draw: random.Random, points: int) -> list[float]:
    """A ratio at each point: what differs from seed to seed, and what is measured wrong in each."""
    return [math.exp(TRUTH + draw.gauss(0, BETWEEN) + draw.gauss(0, WITHIN)) for _ in range(points)]


@pytest.mark.parametrize("points", [3, 5, 20])
def test_the_interval_over_points_covers_the_ratio_of_all(points: int) -> None:
    draw, covered = random.Random(points), 0
    for _ in range(TRIALS):
        found = ratio_over(simulated(draw, points))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= math.exp(TRUTH) <= found.high
    assert 0.93 < covered / TRIALS < 0.97  # five standard errors of 95% of 2000


def test_what_was_measured_within_points_alone_would_not() -> None:
    draw, covered, half = random.Random(1), 0, math.exp(1.96 * WITHIN)
    for _ in range(TRIALS):
        ratios = simulated(draw, 20)
        found = geometric_mean([Interval(one, one / half, one * half) for one in ratios])
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= math.exp(TRUTH) <= found.high
    assert covered / TRIALS < 0.7


@pytest.mark.parametrize("repeats", [2, 5, 20])
def test_the_interval_of_a_mean_over_seeds_covers_it(repeats: int) -> None:
    draw, covered = random.Random(repeats), 0
    for _ in range(TRIALS):
        found = spread_of([draw.gauss(4.0, 0.1) for _ in range(repeats)])
        assert found is not None
        assert found.mean.low is not None
        assert found.mean.high is not None
        covered += found.mean.low <= 4.0 <= found.mean.high
        assert found.lowest <= found.mean.value <= found.highest
    assert 0.93 < covered / TRIALS < 0.97


def test_one_repeat_has_no_spread() -> None:
    assert spread_of([4.0]) is None
    assert spread_of([4.0, math.nan]) is None
    assert ratio_over([]) is None
    assert ratio_over([2.0]) == (pytest.approx(2.0), None, None)
