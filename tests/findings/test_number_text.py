"""How figures are written: no powers of ten, one of a thing in the singular, three digits."""

import re

import hypothesis
import pytest
from hypothesis import strategies as st

from compare.findings import number_text
from compare.records.values import Estimate


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (number_text.count_of(1, "CPU"), "1 CPU"),
        (number_text.count_of(0, "CPU"), "0 CPUs"),
        (number_text.count_of(1200, "step"), "1,200 steps"),
        (number_text.count_of(0.3, "CPU"), "0.3 CPUs"),
        (number_text.count_of(1.02, "CPU"), "1 CPU"),
        (number_text.significant(1.77e3), "1,770"),
        (number_text.significant(0.00004712), "0.0000471"),
        (number_text.significant(99.96), "100"),
        (number_text.significant(120.0, 2), "120"),
        (number_text.si(980e3, "FLOP"), "980 kFLOP"),
        (number_text.si(1.77e11, "FLOP/s"), "177 GFLOP/s"),
        (number_text.si(999.7e9, "FLOP/s"), "1 TFLOP/s"),
        (number_text.seconds(0.9996), "1.0 s"),
        (number_text.seconds(0.0314), "31.4 ms"),
        (number_text.clock(7.2), "0:07"),
        (number_text.clock(760), "12:40"),
        (number_text.clock(3723), "1:02:03"),
    ],
)
def test_a_figure_is_written(written: str, expected: str) -> None:
    assert written == expected


@hypothesis.settings(derandomize=True, database=None, deadline=None)
@hypothesis.given(st.floats(min_value=1e-9, max_value=1e15))
def test_a_figure_is_read_back_to_its_digits_and_has_no_power_of_ten(value: float) -> None:
    for text in (number_text.significant(value), number_text.si(value, "B")):
        assert re.fullmatch(r"[\d,]+(\.\d+)?( [kMGTP]?B)?", text)
    assert float(number_text.significant(value).replace(",", "")) == pytest.approx(value, rel=0.006)


def test_no_dash_stands_beside_a_sign() -> None:
    around_zero = Estimate(value=-0.01, low=-0.12, high=0.03)
    assert number_text.estimate(around_zero, "{:.2f}") == "-0.01 (-0.12 to 0.03)"
    assert number_text.estimate(around_zero, "{:.1f}") == "0.0 (-0.1 to 0.0)"
    assert number_text.estimate(Estimate(value=-1e-4, low=None, high=None), "{:.1%}") == "0.0%"
    assert number_text.estimate(Estimate(value=2.0, low=1.5, high=2.5), "{:.1f}") == "2.0 (1.5–2.5)"
