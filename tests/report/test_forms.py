"""Figures as text."""

from compare.report.forms import fixed, with_ends

from compare.records.values import Estimate


def test_an_interval_beside_a_sign_has_a_word_and_no_dash() -> None:
    found = [
        Estimate(value=-0.091, low=-0.136, high=-0.048),
        Estimate(value=2, low=1, high=3),
        None,
    ]
    assert with_ends(found, fixed("{:.3f}")) == [
        "-0.091 (-0.136 to -0.048)", "2.000 (1.000–3.000)", "–",
    ]  # fmt: skip
