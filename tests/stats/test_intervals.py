import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from compare.stats.intervals import (
    Timing,
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
