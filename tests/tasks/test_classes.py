"""How a classifier is judged, where classes are many, few, rare or missing."""

import numpy as np
import pytest
from compare.tasks.classes import judge
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from compare.stats import Interval


def odds_of(answers: list[int], classes: int) -> NDArray[np.float64]:
    return np.eye(classes)[answers] * 0.8 + 0.1


def test_f1_of_three_classes_is_the_mean_also_where_a_resample_lacks_the_last() -> None:
    wanted, answers = [0, 1] * 20 + [2], [0, 1] * 18 + [1, 0] * 2 + [2]
    found = judge(wanted, odds_of(answers, 3), resamples=300)["f1"]
    assert isinstance(found, Interval)
    assert found.value == pytest.approx(f1_score(wanted, answers, average="macro"))
    assert found.low is not None
    # Were a resample without class 2 judged as two classes, many would score below all of these.
    assert found.low > 0.75


def test_a_class_that_is_not_judged_costs_its_metrics_and_no_others() -> None:
    found = judge([0, 0, 1], odds_of([0, 0, 1], 3), 50, ["bad", "fair", "good"])
    assert isinstance(found["accuracy"], Interval)
    reason = "there is no example of class 'good' among those judged"
    assert found["f1"] == found["auroc"] == reason


def test_one_class_alone_has_an_accuracy_and_a_reason() -> None:
    found = judge([1, 1, 1], odds_of([1, 1, 0], 2), 50, ["neg", "pos"])
    assert isinstance(found["accuracy"], Interval)
    assert found["auroc"] == "there is no example of class 'neg' among those judged"


def test_f1_does_not_hang_on_the_alphabet() -> None:
    """Of a blind model of rare fraud, whatever the two classes are called."""
    wanted = [0] * 98 + [1] * 2
    blind, flipped = odds_of([0] * 100, 2), odds_of([1] * 100, 2)
    fraud_last = judge(wanted, blind, 0)["f1"]
    fraud_first = judge([1 - each for each in wanted], flipped, 0)["f1"]
    assert fraud_last == fraud_first
    assert judge(wanted, blind, 0, ["legit", "fraud"], positive=1)["f1"] == Interval(0, None, None)
    legit = judge(wanted, blind, 0, ["legit", "fraud"], positive=0)["f1"]
    assert isinstance(legit, Interval)
    assert legit.value == pytest.approx(f1_score(wanted, [0] * 100, pos_label=0))
