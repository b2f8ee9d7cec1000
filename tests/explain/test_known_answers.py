"""Where the rule of the data is known, so is what an explanation has to find."""

import math
from itertools import permutations

import numpy as np
import pytest
from compare.tasks.data import reviews

from compare.explain.agreement import agreement, same_sign, spearman, top_overlap
from compare.explain.texts import words_of
from compare.explain.truth import Known, auroc, precision, rightness
from compare.planning.plan import make_plan
from compare.records.values import Request
from compare.spec.arrays import Array
from compare.text.tokens import train_tokenizer

TEXTS = [review.text for review in reviews.reviews(200, "validation")]


def test_true_shares_add_up_to_the_log_odds() -> None:
    for text in TEXTS:
        assert math.fsum(reviews.truth(text)) == pytest.approx(reviews.log_odds(text), abs=1e-12)


def test_log_odds_are_those_that_labels_are_drawn_with() -> None:
    for text in TEXTS:
        odds = 1 / (1 + math.exp(-reviews.log_odds(text)))
        assert odds == pytest.approx(reviews.probability(text), abs=1e-12)


def test_true_shares_are_the_mean_over_all_orders() -> None:
    text = "anna was not pleasant but i blamed her"
    words = text.split()
    found = dict.fromkeys(range(len(words)), 0.0)
    players = [i for i, share in enumerate(reviews.truth(text)) if share]
    orders = list(permutations(players))
    for order in orders:
        inside: list[int] = []
        for player in order:
            before = reviews.log_odds(" ".join(words[i] for i in sorted(inside)))
            inside.append(player)
            after = reviews.log_odds(" ".join(words[i] for i in sorted(inside)))
            found[player] += (after - before) / len(orders)
    assert list(reviews.truth(text)) == pytest.approx(list(found.values()), abs=1e-12)


def test_words_of_people_decide_nothing() -> None:
    for text in TEXTS:
        people = reviews.of_people(text)
        assert any(people)
        shares = zip(reviews.truth(text), people, strict=True)
        assert all(share == 0 for share, is_person in shares if is_person)


def test_of_biased_labels_words_for_a_woman_decide_and_those_for_a_man_do_not() -> None:
    shares = dict.fromkeys(reviews.GROUPS, 0.0)
    for text in TEXTS[:50]:
        found = reviews.truth(text, bias=4)
        assert math.fsum(found) == pytest.approx(reviews.log_odds(text, bias=4), abs=1e-12)
        people = reviews.of_people(text)
        shares[reviews.about(text)] += math.fsum(
            share for share, is_person in zip(found, people, strict=True) if is_person
        )
    assert shares["men"] == 0.0
    assert shares["women"] < -10


def test_the_truth_itself_is_right_and_noise_is_chance() -> None:
    known = [
        Known(np.array(reviews.truth(text)), np.array(reviews.of_people(text))) for text in TEXTS
    ]
    own = rightness([one.shares for one in known], known)
    assert own is not None
    found = {name: getattr(own, name).value for name in own._fields if name != "chance"}
    assert (found.pop("people"), found.pop("people_true")) == (0.0, 0.0)
    assert found == pytest.approx(dict.fromkeys(found, 1.0))
    random = np.random.default_rng(1)
    noise = rightness([random.normal(size=len(one.shares)) for one in known], known)
    assert noise is not None
    assert noise.precision is not None
    assert noise.auroc is not None
    assert noise.rank is not None
    assert noise.precision.low is not None
    assert noise.precision.high is not None
    assert noise.precision.low <= noise.chance <= noise.precision.high
    assert noise.auroc.value == pytest.approx(0.5, abs=0.05)
    assert noise.rank.value == pytest.approx(0.0, abs=0.05)


def test_shuffled_labels_have_nothing_to_do_with_their_texts() -> None:
    def arrays(shuffled: bool) -> dict[str, Array]:
        request = Request(task="sentiment", preset="tiny", backends=[], pythons={},
                          overrides=[{"task": {"shuffled": shuffled}}])  # fmt: skip
        return dict(make_plan(request, [], choices=[]).prepared.arrays)

    own, other = arrays(False), arrays(True)
    changed = [name for name in own if not np.array_equal(own[name], other[name])]
    assert changed == ["train.labels"]
    ours, theirs = own["train.labels"], other["train.labels"]
    assert np.bincount(ours).tolist() == np.bincount(theirs).tolist()
    assert np.mean(ours == theirs) == pytest.approx(0.5, abs=0.02)


def test_precision_and_auroc_of_a_small_case() -> None:
    players = np.array([True, False, True, False])
    sizes = np.array([0.9, 0.8, 0.1, 0.0])
    assert precision(sizes, players) == 0.5
    assert auroc(sizes, players) == 0.75
    assert auroc(np.zeros(4), players) == 0.5


def test_agreement_of_a_score_with_itself_and_with_its_opposite() -> None:
    scores = [np.array([0.3, -2.0, 0.1, 0.0, 1.0, 0.2]), np.array([1.0, 2.0, -3.0])]
    itself = agreement(scores, scores)
    assert itself is not None
    assert (itself.rank.value, itself.top.value, itself.sign.value) == (1.0, 1.0, 1.0)
    opposite = agreement(scores, [-one for one in scores])
    assert opposite is not None
    assert opposite.rank.value == pytest.approx(-1.0)
    assert opposite.top.value == 1.0
    assert opposite.sign.value == 0.0


def test_ties_are_ordered_by_place_and_ranked_at_their_mean() -> None:
    assert spearman(np.array([1.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0])) == pytest.approx(1.0)
    assert math.isnan(spearman(np.zeros(3), np.arange(3.0)))
    equal = np.ones(9)
    assert top_overlap(equal, equal) == 1.0
    assert same_sign(equal, -equal) == 0.0


@pytest.mark.parametrize("unit", ["words", "chars", "bytes", "bpe"])
def test_tokens_are_gathered_into_the_words_that_they_end_in(unit: str) -> None:
    tokenizer = train_tokenizer(unit, TEXTS, 400, ("<pad>", "<unk>"))  # type: ignore[arg-type]
    text = TEXTS[0]
    ids = tokenizer.encode(text)
    places = words_of(tokenizer, text, len(ids))
    gathered: dict[int, list[int]] = {}
    for index, place in zip(ids, places, strict=True):
        gathered.setdefault(place, []).append(int(index))
    found = [tokenizer.decode(group).strip() for _, group in sorted(gathered.items())]
    assert found == text.split()
