import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from compare.stats import Timing, ratio, throughput


def test_a_rate_is_all_tokens_over_all_seconds() -> None:
    found = throughput([Timing(100, 1.0), Timing(300, 1.0)])
    assert found is not None
    assert found.value == 200.0


def test_one_window_has_no_interval_and_none_has_no_rate() -> None:
    assert throughput([]) is None
    found = throughput([Timing(100, 2.0)])
    assert found is not None
    assert (found.value, found.low, found.high) == (50.0, None, None)


def test_the_ratio_s_interval_is_the_paired_t_interval_on_logs() -> None:
    random = np.random.default_rng(0)
    drift = random.uniform(0.5, 2.0, 12)  # what slows both drops out
    ours = [Timing(100, float(s)) for s in drift * random.uniform(0.98, 1.02, 12)]
    theirs = [Timing(100, float(s)) for s in 1.5 * drift * random.uniform(0.98, 1.02, 12)]
    found = ratio(ours, theirs)
    logs = [math.log(a.rate / b.rate) for a, b in zip(ours, theirs, strict=True)]
    expected = scipy_stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert found is not None
    assert found.low == pytest.approx(math.exp(expected.low))
    assert found.high == pytest.approx(math.exp(expected.high))
    assert found.low < 1.5 < found.high
    assert found.high / found.low < 1.06  # the drift of a factor of four is gone


def test_windows_that_are_not_pairs_give_no_ratio() -> None:
    assert ratio([Timing(1, 1.0)], []) is None
