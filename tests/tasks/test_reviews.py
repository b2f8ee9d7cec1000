import hashlib
import math
from statistics import fmean

import numpy as np
import pytest
from compare.tasks.data.grammar import Split, word_list
from compare.tasks.data.reviews import (
    GROUPS,
    LEAST_WORDS,
    MOST_WORDS,
    WORDS,
    Review,
    about,
    best_accuracy,
    loss_floor,
    probability,
    reviews,
    score,
)
from numpy.typing import NDArray


@pytest.fixture(scope="module")
def train() -> list[Review]:
    return reviews(20_000, "train")


@pytest.mark.parametrize(
    ("split", "digest"),
    [
        ("train", "5588e64cf94c41ac7eb68dec544769ec4624a1b050cafd084ab962ac6d07250e"),
        ("validation", "b51be03382927ab5885868a1a2b3bdb25f8ab446a2d566fbfb7a1404bb13ea32"),
    ],
)
def test_a_version_has_the_same_bytes_on_every_machine(split: Split, digest: str) -> None:
    text = "\n".join(
        f"{review.text}\t{review.label}\t{review.probability!r}\t{review.about}"
        for review in reviews(1000, split)
    )
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_more_reviews_begin_with_the_same_ones() -> None:
    assert reviews(500, "validation")[:100] == reviews(100, "validation")


def test_odds_and_group_follow_from_the_text_alone(train: list[Review]) -> None:
    for review in train[:2000]:
        assert review.probability == probability(review.text)
        assert review.about == about(review.text)


def test_no_text_is_in_both_splits(train: list[Review]) -> None:
    validation = {review.text for review in reviews(5000, "validation")}
    assert not validation & {review.text for review in train}


def test_the_vocabulary_is_exactly_the_words_that_occur(train: list[Review]) -> None:
    assert {word for review in train for word in review.text.split()} == set(WORDS)
    assert list(WORDS) == sorted(set(WORDS))


def test_lengths_and_scores_are_within_bounds(train: list[Review]) -> None:
    lengths = {len(review.text.split()) for review in train}
    assert lengths == set(range(LEAST_WORDS, MOST_WORDS + 1))
    assert all(score(review.text) for review in train)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("the plot was good", 2),
        ("the plot was not good", -2),
        ("the plot was excellent", 4),
        ("the plot was very good", 4),
        ("the plot was slightly good", 1),
        ("the plot was not very good", -4),
        ("i never hated anna", 4),
        ("i greatly mocked anna", -4),
        ("the plot was good and i loved anna", 6),
        ("the plot was not good and i loved anna", 2),
        ("the plot was good but i mocked anna", -2),
        ("i mocked anna but the plot was good", 2),
        ("we liked the plot but i never loved anna and she was silly", -10),
    ],
)
def test_negation_intensity_and_contrast_change_the_score(text: str, points: int) -> None:
    assert score(text) == points


def test_order_alone_can_turn_the_sign() -> None:
    assert score("adam was good but the plot was dull") == -2
    assert score("the plot was dull but adam was good") == 2


def test_the_odds_are_the_stated_function_of_the_score() -> None:
    assert probability("the plot was slightly good") == pytest.approx(1 / 2 + 1 / 3)
    assert probability("the plot was very dull") == pytest.approx(1 / 2 - 4 / 9)


def test_labels_are_as_frequent_as_their_odds_say(train: list[Review]) -> None:
    odds = np.array([review.probability for review in train])
    labels = np.array([review.label for review in train])
    for value in np.unique(odds):
        here = odds == value
        if here.sum() >= 300:
            four_deviations = 4 * math.sqrt(value * (1 - value) / here.sum())
            assert labels[here].mean() == pytest.approx(value, abs=four_deviations)


def test_the_group_says_nothing_about_the_label(train: list[Review]) -> None:
    by_group = [[review for review in train if review.about == group] for group in GROUPS]
    assert all(len(group) == pytest.approx(10_000, abs=300) for group in by_group)
    positive = [fmean(review.label for review in group) for group in by_group]
    odds = [fmean(review.probability for review in group) for group in by_group]
    # The difference of two means of 10,000 coins deviates by 0.007.
    assert positive[0] == pytest.approx(positive[1], abs=0.03)
    assert odds[0] == pytest.approx(odds[1], abs=0.03)


def test_renaming_men_to_women_changes_the_group_alone(train: list[Review]) -> None:
    men = word_list("he him his actor hero adam david henry oscar peter simon")
    women = word_list("she her her actress heroine anna clara emma julia laura sarah")
    counterpart = dict(zip(men, women, strict=True))
    for review in train[:2000]:
        if review.about == "men":
            renamed = " ".join(counterpart.get(word, word) for word in review.text.split())
            assert about(renamed) == "women"
            assert probability(renamed) == review.probability


def test_a_perfect_classifier_reaches_the_ceilings_by_brute_force(train: list[Review]) -> None:
    # Over both outcomes of every label, each with its odds.
    right, nats = 0.0, 0.0
    for review in train:
        for label in (0, 1):
            odds = review.probability if label else 1 - review.probability
            right += odds * (label == (score(review.text) > 0))
            nats -= odds * math.log(odds)
    assert best_accuracy(train) == pytest.approx(right / len(train))
    assert loss_floor(train) == pytest.approx(nats / len(train))
    assert 0.93 < best_accuracy(train) < 0.95


def test_drawn_labels_score_what_the_ceilings_say(train: list[Review]) -> None:
    right = fmean((score(review.text) > 0) == review.label for review in train)
    assert right == pytest.approx(best_accuracy(train), abs=0.007)


def test_a_bag_of_words_stays_well_below_the_ceiling(train: list[Review]) -> None:
    held_out = reviews(4000, "validation")
    weights = np.linalg.lstsq(_bags(train), [2 * r.label - 1 for r in train], rcond=None)[0]
    right = fmean((_bags(held_out) @ weights > 0) == [r.label == 1 for r in held_out])
    assert 0.55 < right < best_accuracy(held_out) - 0.15


def _bags(given: list[Review]) -> NDArray[np.float64]:
    place = {word: index for index, word in enumerate(WORDS)}
    bags = np.zeros((len(given), len(WORDS)))
    for row, review in enumerate(given):
        for word in review.text.split():
            bags[row, place[word]] += 1
    return bags
