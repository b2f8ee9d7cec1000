"""What the best learner makes of biased labels, and of rows that are drawn to mend them."""

from collections import Counter
from functools import cache

import pytest
from compare.tasks.best_learner import best_learner
from compare.tasks.data import reviews
from compare.tasks.mitigation import mitigated
from compare.tasks.sentiment_settings import SentimentTask

from compare.planning.plan import make_plan
from compare.records.values import Request

HELD = 2000


@cache
def best(bias: int, mitigation: str = "") -> dict[str, float]:
    train, held = (
        reviews.reviews(count, split, bias)
        for count, split in ((20_000, "train"), (HELD, "validation"))
    )
    return best_learner(train, held, SentimentTask(bias=bias, mitigation=mitigation))


@pytest.mark.parametrize(
    ("bias", "mitigation", "selection", "tpr"),
    [(0, "", 0.0, 0.0), (2, "", -0.077, -0.135), (2, "reweigh:1", -0.023, -0.039),
     (4, "", -0.202, -0.365), (4, "reweigh:1", -0.152, -0.271)],
)  # fmt: skip
def test_it_is_that_of_the_table(bias: int, mitigation: str, selection: float, tpr: float) -> None:
    """The table is over 4,000 texts, these are the 2,000 that a run judges."""
    found = best(bias, mitigation)
    assert found["selection"] == pytest.approx(selection, abs=0.012)
    assert found["tpr"] == pytest.approx(tpr, abs=0.02)


def test_a_cost_on_biased_labels_is_a_gain_on_fair_ones() -> None:
    """And planted: labels of the training in place of fair ones would turn the first about."""
    plain, mended = best(2), best(2, "reweigh:1")
    assert mended["accuracy"] > plain["accuracy"] + 0.01
    assert mended["biased_accuracy"] < plain["biased_accuracy"]
    assert plain["biased_accuracy"] > plain["accuracy"]


def test_a_run_is_judged_by_fair_labels_and_has_the_biased_ones_beside_them() -> None:
    request = Request(
        task="sentiment", preset="tiny", backends=["reference"], pythons={},
        overrides=[{"task": {"bias": 4, "judge": "all"}}],
    )  # fmt: skip
    prepared = make_plan(request, []).prepared
    held = reviews.reviews(len(prepared.examples), "validation")
    assert [one.wanted for one in prepared.examples] == [one.label for one in held]
    differing = [
        group
        for (_, fair, group), biased in zip(prepared.examples, prepared.biased, strict=True)
        if fair != biased
    ]
    assert len(differing) > 50
    assert set(differing) == {"women"}
    assert prepared.best_learner["selection"] < -0.15


def test_reweighed_rows_keep_the_groups_sizes_and_lose_the_tie() -> None:
    """Planted: weights that add up to one within each group would make the groups equally large;
    those of P(y | g) alone would leave the tie."""
    train = reviews.reviews(20_000, "train", bias=4, share=0.2)
    rows = [(one.text, one.biased) for one in train]
    drawn = mitigated(rows, [one.about for one in train], "reweigh:1", positive=1, seed=1)
    sizes = Counter(reviews.about(text) for text, _ in drawn)
    positive = Counter(reviews.about(text) for text, label in drawn if label)
    assert sizes["women"] / len(drawn) == pytest.approx(0.2, abs=0.01)
    rates = {group: positive[group] / sizes[group] for group in sizes}
    assert rates["women"] == pytest.approx(rates["men"], abs=0.005)
    was = sum(label for _, label in rows) / len(rows)
    assert sum(positive.values()) / len(drawn) == pytest.approx(was, abs=0.005)
