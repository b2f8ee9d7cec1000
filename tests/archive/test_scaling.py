import math
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from compare.archive.scaling import SweptPoint, fit_exponent, scalings
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary


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


def test_with_groups_the_interval_is_that_of_a_regression_with_an_intercept_each() -> None:
    random = np.random.default_rng(2)
    points = [
        (size, factor * size**1.2 * float(np.exp(random.normal(0, 0.1))), str(factor))
        for factor in (1.0, 7.0, 50.0)
        for size in (1.0, 2.0, 4.0, 8.0)
    ]
    x = np.log([size for size, _, _ in points])
    y = np.log([cost for _, cost, _ in points])
    groups = [[group == name for name in ("1.0", "7.0", "50.0")] for _, _, group in points]
    design = np.column_stack([x, np.array(groups, float)])
    fitted, residual, *_ = np.linalg.lstsq(design, y)
    freedom = len(points) - 4
    variance = residual[0] / freedom * np.linalg.inv(design.T @ design)[0, 0]
    half = scipy_stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    found = fit_exponent(points)
    assert found is not None
    assert found.value == pytest.approx(fitted[0])
    assert (found.low, found.high) == pytest.approx((fitted[0] - half, fitted[0] + half))


def test_a_group_of_one_point_says_nothing_of_the_slope() -> None:
    two = [(1, 1.0, "a"), (2, 8.0, "a")]
    found = fit_exponent([*two, (64, 1e9, "b")])
    assert found == fit_exponent(two)
    assert found is not None
    assert (found.value, found.low) == (pytest.approx(3.0), None)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_one_size_has_no_slope(count: int) -> None:
    assert fit_exponent([(182, 1.0 + n, "") for n in range(count)]) is None
    assert fit_exponent([(2**n, 1.0 + n, str(n)) for n in range(count)]) is None


def point(values: dict[str, Any], step: float, status: str = "ok", host: str = "one") -> SweptPoint:
    cell = CellSummary.model_validate(
        {"backend": "a", "mode": "m", "status": status, "step_seconds": step, "parameters": 1}
    )
    summary = Summary.model_construct(cells=[cell], environment={"host": host})
    return SweptPoint.model_construct(name="", values=values, summary=summary)


def test_exponents_are_of_what_grows_within_a_machine() -> None:
    """One that is three times as slow shifts the line and not its slope; where each size was on a
    machine of its own, nothing tells."""
    sizes = [4, 8, 16, 32]
    within = [point({"m.size": size}, size**1.5) for size in sizes[::2]]
    within += [point({"m.size": size}, 3 * size**1.5, host="two") for size in sizes[1::2]]
    (found,) = scalings({"m.size": sizes}, within)
    assert found.exponent.value == pytest.approx(1.5)
    apart = [point({"m.size": size}, size**1.5, host=str(size)) for size in sizes]
    assert scalings({"m.size": sizes}, apart) == []


def test_what_failed_or_was_not_played_is_not_fitted() -> None:
    points = [point({"m.size": size}, size**1.5) for size in (4, 8, 16)]
    points += [point({"m.size": 32}, 1e9, "failed"), point({"m.size": 64}, 0.0)]
    points.append(SweptPoint(name="", values={"m.size": 128}, summary=None))
    (found,) = scalings({"m.size": [4, 8, 16, 32, 64, 128]}, points)
    assert (found.field, found.quantity, found.points) == ("m.size", "step_seconds", 3)
    assert found.exponent.value == pytest.approx(1.5)


def test_fields_that_are_no_sizes_or_of_too_few_are_not_fitted() -> None:
    for values in (["a", "b", "c"], [True, False], [0, 8, 16], [8], [8, 16]):
        points = [point({"m.field": value}, 1.0 + n) for n, value in enumerate(values)]
        assert scalings({"m.field": values}, points) == []
