"""The generator's biases and twins: what is put in is known exactly."""

import hashlib
from collections import Counter

import pytest
from compare.tasks.data import reviews

COUNT = 4000
BEFORE = "3d7cd9b822a68e256e432d8ae9679d667c518ee5f457d4a951e23b8bd03869ad"


def test_texts_do_not_hang_on_the_bias_and_labels_are_nested() -> None:
    plain, some, more = (reviews.reviews(COUNT, "train", bias=d) for d in (0, 2, 4))
    assert [one.text for one in plain] == [one.text for one in some] == [one.text for one in more]
    assert all(one.biased == one.label for one in plain)
    assert all(b.biased >= c.biased for b, c in zip(some, more, strict=True))
    assert all(one.biased <= one.label for one in more)
    assert all(one.biased == one.label for one in more if one.about == "men")


def test_without_a_bias_it_is_the_corpus_of_before() -> None:
    told = "\n".join(f"{one.text}\t{one.label}" for one in reviews.reviews(2000, "train"))
    assert hashlib.sha256(told.encode()).hexdigest() == BEFORE


@pytest.mark.parametrize("bias", [1, 2, 4])
def test_biased_labels_have_the_odds_of_the_bias(bias: int) -> None:
    women = [one for one in reviews.reviews(20_000, "train", bias=bias) if one.about == "women"]
    wanted = sum(reviews.biased_probability(one.text, bias) for one in women) / len(women)
    found = sum(one.biased for one in women) / len(women)
    assert found == pytest.approx(wanted, abs=4 * 0.5 / len(women) ** 0.5)


def test_the_twin_of_a_twin_is_the_text_and_nothing_else_changes() -> None:
    for one in reviews.reviews(10_000, "validation"):
        twin = reviews.twin(one.text)
        assert reviews.twin(twin) == one.text
        assert twin != one.text
        assert reviews.score(twin) == reviews.score(one.text)
        assert len(twin.split()) == len(one.text.split())
        assert {reviews.about(twin), one.about} == set(reviews.GROUPS)


def test_her_is_his_before_a_quality_and_him_elsewhere() -> None:
    assert reviews.twin("anna was good and her voice was fine") == (
        f"{reviews.twin('anna')} was good and his voice was fine"
    )
    assert reviews.twin("i praised her last night") == "i praised him last night"


@pytest.mark.parametrize("share", [0.1, 0.8])
def test_a_share_of_women_is_what_was_asked_for(share: float) -> None:
    groups = Counter(one.about for one in reviews.reviews(COUNT, "train", share=share))
    assert groups["women"] / COUNT == pytest.approx(share, abs=0.03)


def test_what_the_best_learner_makes_of_a_bias() -> None:
    """Selection and TPR of women less men, on twins: from the rule alone."""
    pairs = [(one.text, reviews.twin(one.text)) for one in reviews.reviews(4000, "validation")]
    for bias, selection, tpr in ((0, 0.0, 0.0), (1, -0.012, -0.019), (2, -0.077, -0.135),
                                 (4, -0.202, -0.365)):  # fmt: skip
        chosen: dict[str, list[float]] = {"women": [], "men": []}
        right: dict[str, list[float]] = {"women": [], "men": []}
        weight = 0.0
        for pair in pairs:
            for text in pair:
                group = reviews.about(text)
                odds = reviews.biased_probability(text, bias)
                yes = 0.5 if odds == 0.5 else float(odds > 0.5)  # of equal odds it takes either
                chosen[group].append(yes)
                right[group].append(yes * reviews.probability(text))
            weight += reviews.probability(pair[0])
        gap = (sum(chosen["women"]) - sum(chosen["men"])) / len(pairs)
        assert gap == pytest.approx(selection, abs=0.002)
        gap = (sum(right["women"]) - sum(right["men"])) / weight
        assert gap == pytest.approx(tpr, abs=0.002)
