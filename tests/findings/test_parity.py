import math

import numpy as np
import pytest

from compare.findings.parity import (
    FLOOR,
    agreeing,
    envelope,
    first_outside,
    judge,
    relative_difference,
)
from compare.records.values import CellName

A, B, C, D = (CellName(backend=name, mode="m") for name in "abcd")
TIGHT = np.full(5, 1e-6)
CURVE = [5.0, 4.0, 3.0, 2.0, 1.0]


def moved(step: int, by: float) -> list[float]:
    return [x * (1 + by) if i == step else x for i, x in enumerate(CURVE)]


def test_every_step_counts_not_only_the_last() -> None:
    for step in range(5):
        assert first_outside(CURVE, moved(step, 1e-5), TIGHT) == step
    assert first_outside(CURVE, moved(2, 1e-7), TIGHT) is None


def test_a_loss_of_0_against_5_never_passes() -> None:
    assert first_outside([0.0] * 5, [5.0] * 5, TIGHT) == 0


def test_a_loss_that_is_not_finite_never_passes() -> None:
    for bad in (math.nan, math.inf):
        assert first_outside([bad] * 5, [bad] * 5, TIGHT) == 0
        assert relative_difference([1.0, bad], [1.0, 1.0]).tolist() == [0.0, math.inf]


def test_the_envelope_is_measured_and_never_falls() -> None:
    echo = moved(1, 1e-4)
    allowed = envelope(CURVE, echo, "fp32")
    assert allowed[0] == FLOOR["fp32"]
    assert np.all(allowed[1:] == allowed[1])
    assert allowed[1] == pytest.approx(1e-3, rel=1e-3)


def test_the_floors_are_not_widened() -> None:
    assert FLOOR == {"fp32": 5e-6, "fp64": 1e-12, "tf32": 1e-4, "bf16": 1e-3}


def test_the_one_that_differs_from_all_is_outside() -> None:
    curves = {A: CURVE, B: moved(0, 1e-8), C: moved(3, 1e-3), D: CURVE}
    assert agreeing(curves, TIGHT) == {A, B, D}


def test_of_two_that_differ_nobody_can_say_who_is_wrong() -> None:
    assert agreeing({A: CURVE, B: moved(3, 1e-3)}, TIGHT) == set()


def test_an_oracle_is_right_even_against_many() -> None:
    curves = {A: moved(0, 1e-3), B: moved(0, 1e-3), D: CURVE}
    assert agreeing(curves, TIGHT) == {A, B}
    assert agreeing(curves, TIGHT, [D]) == {D}


def test_alone_a_backend_passes_and_two_pairs_do_not() -> None:
    assert agreeing({A: CURVE}, TIGHT) == {A}
    other = moved(0, 1e-3)
    assert agreeing({A: CURVE, B: CURVE, C: other, D: other}, TIGHT) == set()


def test_a_curve_that_was_cut_off_is_judged_on_what_it_has() -> None:
    assert agreeing({A: CURVE, B: CURVE[:2]}, TIGHT) == {A, B}


def test_an_echo_that_stopped_early_or_never_trained_leaves_the_gate_in_force() -> None:
    echo = A.model_copy(update={"echo": True})
    for curve in ([], CURVE[:2]):
        assert judge({A: CURVE, B: CURVE, echo: curve}, [], "fp32").reasons == {}
        parted = judge({A: CURVE, B: CURVE, C: moved(4, 1e-3), echo: curve}, [], "fp32")
        assert set(parted.reasons) == {C}


def test_the_verdict_says_where_the_curves_parted_and_by_how_much() -> None:
    verdict = judge({A: CURVE, B: CURVE, C: moved(3, 1e-3)}, [], "fp32")
    assert set(verdict.reasons) == {C}
    assert (
        "at step 3 the loss is 1.0e-03 away from the others (allowed: 5.0e-06)"
        in (verdict.reasons[C])
    )
    assert verdict.worst(A) == 0.0  # to those that agree, not to the one that is wrong
    assert verdict.worst(C) == pytest.approx(1e-3, rel=1e-2)


def test_an_echo_widens_the_gate_by_what_it_measured_and_is_not_judged() -> None:
    echo = A.model_copy(update={"echo": True})
    verdict = judge({A: CURVE, B: moved(3, 1e-3), echo: moved(2, 5e-4)}, [], "fp32")
    assert verdict.reasons == {}


def test_further_echoes_widen_the_gate_and_are_asked_for_where_one_s_luck_may_be_why() -> None:
    echo = A.model_copy(update={"echo": True})
    curves = {A: CURVE, B: moved(3, 1e-3), echo: moved(2, 2e-5)}
    verdict = judge(curves, [], "fp32")
    assert set(verdict.reasons) == {A, B}
    assert verdict.in_doubt()
    settled = judge(curves, [], "fp32", again=[moved(2, 1e-5), moved(2, 5e-4)])
    assert settled.reasons == {}
    assert not settled.in_doubt()
    assert not judge({**curves, B: moved(3, 1e-2)}, [], "fp32").in_doubt()


def test_one_that_is_not_finite_fails_even_alone() -> None:
    verdict = judge({A: [1.0, math.nan]}, [], "fp32")
    assert verdict.reasons == {A: "the loss is not finite from step 1 on"}


def test_curves_that_need_not_agree_must_still_be_finite() -> None:
    verdict = judge({A: CURVE, B: moved(0, 0.5), C: [math.nan] * 5}, [], "fp32", comparable=False)
    assert set(verdict.reasons) == {C}
    assert verdict.differences == {}
