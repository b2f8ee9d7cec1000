"""Figures by group: those of fairlearn, signed, with intervals that contain what they should."""

from typing import Any

import numpy as np
import pytest
from conftest import needs

from compare.fairness.groups import LEAST_EXAMPLES, Judged, auroc, groups_of


def judged(seed: int, sizes: dict[str, int], shift: float = 0.0) -> Judged:
    """Examples whose labels have their probabilities' odds; `shift` takes from the first group."""
    random = np.random.default_rng(seed)
    groups = np.array([name for name, size in sizes.items() for _ in range(size)])
    odds = random.random(len(groups))
    labels = random.random(len(groups)) < odds
    odds = np.clip(odds - shift * (groups == next(iter(sizes))), 0, 1)
    return of_odds(labels, odds, groups)


def of_odds(labels: Any, odds: Any, groups: Any) -> Judged:
    return Judged.of(labels.astype(int), np.stack([1 - odds, odds], axis=-1), 1, groups)


@needs("fairlearn")
@pytest.mark.parametrize("seed", range(50))
def test_rates_are_those_of_fairlearn(seed: int) -> None:
    from fairlearn.metrics import (
        MetricFrame,
        count,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )
    from sklearn.metrics import accuracy_score

    given = judged(seed, {"women": 80 + seed, "men": 120, "(none)": 40})
    frame = MetricFrame(
        metrics={
            "selection": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate,
            "accuracy": accuracy_score, "count": count,
        },
        y_true=given.labels, y_pred=given.chosen, sensitive_features=given.groups,
    )  # fmt: skip
    for rates in groups_of(given, None, None, "positive", 50).rates:
        for name in ("selection", "tpr", "fpr", "accuracy", "count"):
            assert getattr(rates, name) == pytest.approx(
                float(frame.by_group.loc[rates.group, name]), abs=1e-12
            )


def test_auroc_is_scikit_learn_s() -> None:
    from sklearn.metrics import roc_auc_score

    for seed in range(20):
        given = judged(seed, {"a": 60})
        odds = np.round(given.odds, 1)  # with ties
        assert auroc(given.labels, odds) == pytest.approx(roc_auc_score(given.labels, odds))


def test_intervals_of_equal_groups_contain_zero_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(400):
        found = groups_of(judged(seed, {"women": 300, "men": 300}), None, None, "", 400)
        gap = next(one.gap for one in found.gaps if one.rate == "selection")
        assert gap.low is not None
        assert gap.high is not None
        covered += gap.low <= 0 <= gap.high
    assert 0.93 <= covered / 400 <= 0.97


def test_a_difference_has_a_sign() -> None:
    given = judged(1, {"women": 400, "men": 400}, shift=0.3)
    found = groups_of(given, None, None, "", 200)
    gap = next(one for one in found.gaps if one.rate == "selection")
    assert (gap.first, gap.second) == ("women", "men")
    assert gap.gap.high is not None
    assert gap.gap.high < 0
    swapped = given._replace(groups=np.where(given.groups == "women", "men", "women"))
    other = groups_of(swapped, None, None, "", 200)
    assert next(one.gap.value for one in other.gaps if one.rate == "selection") > 0


def test_of_many_groups_chance_is_told_beside_the_difference() -> None:
    inside = 0
    for seed in range(12):
        given = judged(seed, {"a": 100, "b": 100, "c": 100, "d": 100})
        gap = next(g for g in groups_of(given, None, None, "", 10).gaps if g.rate == "selection")
        assert gap.by_chance is not None
        assert gap.gap.low is None
        inside += gap.gap.value <= gap.by_chance
    assert inside >= 9


def test_small_groups_have_notes_and_no_rates() -> None:
    given = judged(1, {"women": LEAST_EXAMPLES - 1, "men": 200})
    found = groups_of(given, None, None, "", 50)
    small = next(one for one in found.rates if one.group == "women")
    assert (small.selection, small.tpr, small.auroc) == (None, None, None)
    assert found.gaps == []
    assert any("too few for rates" in note for note in found.notes)


def test_a_constant_answer_is_no_merit() -> None:
    given = judged(1, {"women": 100, "men": 100})
    given = of_odds(given.labels, np.ones(200), given.groups)
    assert any("one class throughout" in note for note in groups_of(given, None, None, "", 9).notes)


def test_twins_are_drawn_together() -> None:
    """Of a model that takes the same from every text about a woman, the interval is a point."""
    given = judged(1, {"women": 200, "men": 200})
    moved = np.where(given.groups == "women", given.odds + 0.125, given.odds - 0.125)
    twins = of_odds(given.labels, moved, given.groups)
    found = groups_of(given, twins, np.ones(400, bool), "", 200)
    assert found.twins is not None
    assert found.twins.probability.value == pytest.approx(-0.125)
    assert found.twins.probability.low == pytest.approx(found.twins.probability.high)
    without = groups_of(given, twins, np.zeros(400, bool), "", 200)
    assert without.twins is None


def test_of_three_classes_one_is_held_against_the_rest() -> None:
    """A class may be the likeliest with less than half; accuracy is that of all classes."""
    random = np.random.default_rng(1)
    outputs = random.dirichlet([2, 2, 2], 400)
    wanted, groups = random.integers(0, 3, 400), np.repeat(["men", "women"], 200)
    found = groups_of(Judged.of(wanted, outputs, 2, groups), None, None, "c", 50)
    mine = groups == "women"
    rates = next(one for one in found.rates if one.group == "women")
    assert rates.selection == (outputs[mine].argmax(-1) == 2).mean()
    assert rates.accuracy == (outputs[mine].argmax(-1) == wanted[mine]).mean()
    assert rates.positives == (wanted[mine] == 2).sum()
