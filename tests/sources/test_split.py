import random
from collections import Counter

import pytest

from compare.errors import UserError
from compare.sources.rows import Row
from compare.sources.split import drawn, train_and_validation

SORTED = [(f"bad film {i}", "neg") for i in range(300)] + [(f"good {i}", "pos") for i in range(100)]


def split(rows: list[Row], labelled: bool = True) -> tuple[list[Row], list[Row]]:
    return train_and_validation(lambda data, split: rows, "data", "train", None, labelled)[:2]


def test_a_file_that_is_sorted_by_class_is_judged_on_every_class_in_its_share() -> None:
    assert Counter(name for _, name in drawn(SORTED, 40, labelled=True)) == {"neg": 30, "pos": 10}
    assert {name for _, name in drawn(SORTED, 2, labelled=True)} == {"neg", "pos"}


def test_judged_rows_come_from_the_whole_file() -> None:
    rows = [(f"line {i}", "x") for i in range(1000)]
    numbers = [int(text.split()[1]) for text, _ in drawn(rows, 100)]
    assert len(set(numbers)) == 100
    assert 400 < sum(numbers) / 100 < 600
    assert min(numbers) < 50
    assert max(numbers) > 950


@pytest.mark.parametrize("labelled", [False, True])
def test_any_order_of_rows_gives_the_same_validation_set(labelled: bool) -> None:
    rows = [*SORTED, *SORTED[:50]]
    shuffled = random.Random(5).sample(rows, len(rows))
    (train, held), (other_train, other_held) = split(rows, labelled), split(shuffled, labelled)
    assert held == other_held
    assert sorted(train) == sorted(other_train)
    assert drawn(rows, 77, labelled) == drawn(shuffled, 77, labelled)


def test_a_rare_class_is_both_trained_on_and_judged() -> None:
    rows = [(f"film {i}", "common") for i in range(200)] + [("one", "rare"), ("two", "rare")]
    train, held = split(rows)
    assert Counter(name for _, name in train)["rare"] == 1
    assert Counter(name for _, name in held)["rare"] == 1


def test_a_class_of_a_single_row_is_trained_on() -> None:
    train, held = split([*SORTED, ("alone", "rare")])
    assert ("alone", "rare") in train
    assert {name for _, name in held} == {"neg", "pos"}


def test_classes_of_one_row_each_are_too_few() -> None:
    with pytest.raises(UserError, match=r"too few examples: each of its 2 classes has one$"):
        split([("a", "x"), ("b", "y")])


def test_a_text_that_is_there_time_and_again_is_too_few() -> None:
    with pytest.raises(UserError, match=r"each text to train on is validated on too$"):
        split([("same", "x"), ("same", "y")] * 20)
