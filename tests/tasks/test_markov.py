import hashlib
import math

import numpy as np
import pytest
from compare.tasks.data.markov import Language


def test_a_version_has_the_same_bytes_on_every_machine() -> None:
    text = Language.of(10_000).sample(100_000)
    assert text.dtype == np.int32
    assert (
        hashlib.sha256(text.tobytes()).hexdigest()
        == "1292a15d65e7d230e4ec30431091617e6464252b18ce46322ce8e1cb10c3cf59"
    )


def test_more_text_does_not_change_the_beginning_s_language() -> None:
    language = Language.of(200)
    assert len(language.sample(10)) == 10
    np.testing.assert_array_equal(language.sample(1000), language.sample(1000))


@pytest.mark.parametrize("vocab", [2, 5, 200, 10_000])
def test_every_word_is_in_one_class(vocab: int) -> None:
    language = Language.of(vocab)
    members = np.sort(np.concatenate(language.words))
    np.testing.assert_array_equal(members, np.arange(vocab))
    np.testing.assert_allclose(language.transitions.sum(1), 1.0)


@pytest.mark.parametrize("vocab", [200, 10_000])
def test_the_true_language_s_loss_on_a_sample_is_the_entropy_rate(vocab: int) -> None:
    language = Language.of(vocab)
    text = language.sample(400_000)
    loss = language.loss(text[:-1], text[1:])
    # The mean of 400,000 losses with a deviation of about 2 is off by 0.003.
    assert loss == pytest.approx(language.entropy_rate(), abs=0.01)


def test_no_simple_predictor_beats_the_floor() -> None:
    language = Language.of(200)
    text = language.sample(400_000)
    counts = np.bincount(text[:300_000], minlength=200) + 1.0
    unigram = float(-np.mean(np.log(counts / counts.sum())[text[300_000:]]))
    pairs = np.full((200, 200), 0.05)
    np.add.at(pairs, (text[:299_999], text[1:300_000]), 1.0)
    bigram = np.log(pairs / pairs.sum(1, keepdims=True))
    bigram_loss = float(-np.mean(bigram[text[300_000:-1], text[300_001:]]))
    assert language.entropy_rate() < bigram_loss < unigram < math.log(200)


def test_the_shares_of_classes_settle_at_the_stationary_distribution() -> None:
    language = Language.of(200)
    shares = np.bincount(language.class_of[language.sample(400_000)]) / 400_000
    np.testing.assert_allclose(shares, language.stationary(), atol=0.005)
