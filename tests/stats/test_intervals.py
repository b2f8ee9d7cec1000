import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from compare.stats.intervals import (
    Interval,
    Timing,
    geometric_mean,
    half_width,
    holm_confidences,
    log_ratios,
    p_value,
    ratio,
)


def test_a_rate_is_the_geometric_mean_of_the_windows_rates() -> None:
    found = ratio([math.log(Timing(tokens, 1.0).rate) for tokens in (100, 400)])
    assert found is not None
    assert found.value == pytest.approx(200.0)


def test_one_window_has_no_interval_and_none_has_no_rate() -> None:
    found = ratio([math.log(Timing(100, 2.0).rate)])
    assert found is not None
    assert (found.value, found.low, found.high) == (pytest.approx(50.0), None, None)


def test_ends_that_are_a_thousand_times_apart_are_none() -> None:
    far = ratio([0.0, 8.0])
    assert far is not None
    assert far == (pytest.approx(math.exp(4)), None, None)
    near = ratio([0.0, 0.5])
    assert near is not None
    assert near.low is not None
    assert near.high is not None
    assert near.high < 1000 * near.low


def test_the_ratio_s_interval_is_the_paired_t_interval_on_logs() -> None:
    random = np.random.default_rng(0)
    drift = random.uniform(0.5, 2.0, 12)  # what slows both drops out
    ours = [Timing(100, float(s)) for s in drift * random.uniform(0.98, 1.02, 12)]
    theirs = [Timing(100, float(s)) for s in 1.5 * drift * random.uniform(0.98, 1.02, 12)]
    logs = log_ratios(ours, theirs)
    found = ratio(logs)
    expected = scipy_stats.ttest_1samp(logs, 0)
    ends = expected.confidence_interval(0.95)
    assert found is not None
    assert found.low == pytest.approx(math.exp(ends.low))
    assert found.high == pytest.approx(math.exp(ends.high))
    assert found.low < 1.5 < found.high
    assert found.high / found.low < 1.06  # the drift of a factor of four is gone
    assert p_value(logs) == pytest.approx(expected.pvalue)
    assert half_width(found) == pytest.approx(math.exp((ends.high - ends.low) / 2) - 1)


def test_nothing_to_tell_from_is_no_difference() -> None:
    assert ratio([]) is None
    assert p_value([0.5]) == 1.0
    assert p_value([0.0, 0.0, 0.0]) == 1.0
    assert p_value([0.5, 0.5, 0.5]) == 0.0  # to the last digit every time


def test_holm_tests_the_smallest_p_hardest_and_stops_at_the_first_that_does_not_pass() -> None:
    # At 5% and four of them: 0.05/4, 0.05/3, then 0.05/2, which 0.03 does not pass.
    found = holm_confidences([0.04, 0.001, 0.03, 0.015])
    assert found == pytest.approx([1 - 0.05 / 2, 1 - 0.05 / 4, 1 - 0.05 / 2, 1 - 0.05 / 3])
    assert holm_confidences([0.01]) == pytest.approx([0.95])


def test_a_geometric_mean_s_interval_shrinks_with_what_it_is_of() -> None:
    one = Interval(2.0, 2.0 / 1.1, 2.0 * 1.1)
    assert geometric_mean([one]) == pytest.approx(one)
    found = geometric_mean([one, Interval(0.5, 0.5 / 1.1, 0.5 * 1.1)])
    assert found.value == pytest.approx(1.0)
    assert found.high == pytest.approx(1.1 ** (1 / math.sqrt(2)))
    assert geometric_mean([one, Interval(3.0, None, None)])[1:] == (None, None)


def test_a_geometric_mean_s_interval_covers_the_truth() -> None:
    """Of three ratios that were measured apart, each by ten pairs, in 2,000 drawn tables."""
    random = np.random.default_rng(4)
    truth = [0.2, -0.1, 0.5]
    covered = 0
    for _ in range(2000):
        measured = [ratio((mean + random.normal(0, 0.1, 10)).tolist()) for mean in truth]
        found = geometric_mean([one for one in measured if one])
        assert found.low
        assert found.high
        covered += found.low < math.exp(sum(truth) / 3) < found.high
    assert 0.94 < covered / 2000 < 0.985
