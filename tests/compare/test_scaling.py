import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from compare.scaling import fit_exponent


def test_a_power_law_s_exponent_is_recovered() -> None:
    found = fit_exponent([(size, 3.0 * size**1.5, "") for size in (8, 16, 32, 64)])
    assert found is not None
    assert found.value == pytest.approx(1.5)
    assert found.low == pytest.approx(1.5)


def test_the_interval_is_that_of_a_regression_on_logs() -> None:
    random = np.random.default_rng(1)
    sizes = np.array([8.0, 16, 32, 64, 128])
    costs = sizes**0.8 * np.exp(random.normal(0, 0.1, 5))
    found = fit_exponent([(float(s), float(c), "") for s, c in zip(sizes, costs, strict=True)])
    line = scipy_stats.linregress(np.log(sizes), np.log(costs))
    half = scipy_stats.t.ppf(0.975, 3) * line.stderr
    assert found is not None
    assert found.value == pytest.approx(line.slope)
    assert (found.low, found.high) == pytest.approx((line.slope - half, line.slope + half))


def test_other_fields_shift_the_line_and_not_its_slope() -> None:
    points = [(size, factor * size**2, str(factor)) for factor in (1.0, 50.0) for size in (1, 2, 4)]
    found = fit_exponent(points)
    assert found is not None
    assert found.value == pytest.approx(2.0)


def test_two_points_make_a_slope_without_an_interval_and_one_size_none() -> None:
    found = fit_exponent([(1, 1.0, ""), (2, 8.0, "")])
    assert found is not None
    assert (found.value, found.low) == (pytest.approx(math.log2(8)), None)
    assert fit_exponent([(2, 1.0, ""), (2, 3.0, "")]) is None
