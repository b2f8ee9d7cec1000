"""Decoding over a small model that is known by heart: a table of next-token odds."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from compare.contracts import Array, Batch
from compare.spec import Decoding
from compare.worker.decoding import beam_search, continue_texts

BEGIN, END, LENGTH = 0, 1, 4
VOCAB = 5


def table(seed: int) -> NDArray[np.float64]:
    """Log-odds of the next token, by source token and by the last one, (source, last, next)."""
    random = np.random.default_rng(seed)
    odds = random.gumbel(size=(VOCAB, VOCAB, VOCAB))
    odds[:, :, BEGIN] = -np.inf  # nothing begins twice
    return odds - np.log(np.exp(odds).sum(-1, keepdims=True))


class Model:
    def __init__(self, odds: NDArray[np.float64]) -> None:
        self.odds, self.calls, self.shapes = odds, 0, set[tuple[int, ...]]()

    def __call__(self, batch: Batch) -> Array:
        self.calls += 1
        self.shapes.add(batch["inputs"].shape)
        return self.odds[batch["source"][:, :1], batch["inputs"]]  # (batch, time, vocab)


def decode(model: Model, sources: list[int], **how: float) -> list[list[int]]:
    decoding = Decoding(begin=BEGIN, end=END, max_length=LENGTH, **how)  # type: ignore[arg-type]
    return beam_search(model, {"source": np.array(sources)[:, None]}, decoding)


def log_odds(odds: NDArray[np.float64], source: int, output: tuple[int, ...]) -> float:
    return float(
        sum(odds[source, a, b] for a, b in zip((BEGIN, *output[:-1]), output, strict=True))
    )


def every_output() -> list[tuple[int, ...]]:
    inner = range(2, VOCAB)
    ended = [(*o, END) for n in range(LENGTH) for o in product(inner, repeat=n)]
    return ended + list(product(inner, repeat=LENGTH))  # or cut off


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_beams_enough_for_every_hypothesis_find_the_best_of_all(seed: int, penalty: float) -> None:
    odds = table(seed)
    found = decode(Model(odds), [0, 3], beams=100, length_penalty=penalty)
    for source, output in zip((0, 3), found, strict=True):
        ranks = {o: log_odds(odds, source, o) / len(o) ** penalty for o in every_output()}
        best = max(ranks, key=lambda o: ranks[o])
        assert output == [token for token in best if token != END]


def test_one_beam_takes_the_likeliest_token_each_time() -> None:
    odds = table(7)
    for source, output in enumerate(decode(Model(odds), list(range(VOCAB)))):
        last = BEGIN
        for token in output:
            assert token == odds[source, last].argmax()
            last = token
        assert len(output) == LENGTH or odds[source, last].argmax() == END


@pytest.mark.parametrize("beams", [1, 3])
def test_an_output_does_not_hang_on_the_rows_beside_it(beams: int) -> None:
    odds = table(3)
    together = decode(Model(odds), list(range(VOCAB)), beams=beams)
    assert together == [decode(Model(odds), [s], beams=beams)[0] for s in range(VOCAB)]


def test_logits_are_asked_for_in_one_shape_and_no_more_than_needed() -> None:
    model = Model(table(3))
    outputs = decode(model, [0, 1, 2])
    assert model.shapes == {(3, LENGTH)}
    assert model.calls == min(LENGTH, max(map(len, outputs)) + 1)


def test_a_text_goes_on_token_by_token_whatever_the_width() -> None:
    odds = table(1)[0]

    def logits(batch: Batch) -> Array:
        return odds[batch["inputs"]]

    (text,) = continue_texts(logits, [2], 1, 200, None, temperature=0, top_k=None, seed=1)
    assert len(text) == 200
    for last, token in zip([2, *text], text, strict=False):
        assert token == odds[last].argmax()


def test_many_texts_are_drawn_each_for_itself() -> None:
    odds = np.log(np.array([0.0, 0.5, 0.3, 0.15, 0.05]) + 1e-12)

    def logits(batch: Batch) -> Array:
        return np.broadcast_to(odds, (*batch["inputs"].shape, VOCAB))

    drawn = continue_texts(logits, [1], 500, 6, None, temperature=1, top_k=None, seed=5)
    assert np.shape(drawn) == (500, 6)
    assert len({tuple(text) for text in drawn}) > 300
    shares = np.bincount(np.ravel(drawn), minlength=VOCAB) / 3000
    np.testing.assert_allclose(shares, np.exp(odds), atol=0.03)


def test_a_model_sees_no_more_than_its_context() -> None:
    seen = []

    def logits(batch: Batch) -> Array:
        seen.append(batch["inputs"][0].tolist())
        return np.eye(VOCAB)[(batch["inputs"] + 1) % VOCAB]

    (text,) = continue_texts(logits, [0, 1, 2], 1, 4, 3, temperature=0, top_k=None, seed=1)
    assert text == [3, 4, 0, 1]
    assert seen == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]]


def test_draws_follow_the_odds_the_temperature_and_the_top_k() -> None:
    odds = np.log(np.array([0.0, 0.5, 0.3, 0.15, 0.05]) + 1e-12)

    def logits(batch: Batch) -> Array:
        return np.broadcast_to(odds, (*batch["inputs"].shape, VOCAB))

    def shares(temperature: float, top_k: int | None) -> NDArray[np.float64]:
        (drawn,) = continue_texts(logits, [1], 1, 4000, 1, temperature, top_k, seed=5)
        (again,) = continue_texts(logits, [1], 1, 4000, 1, temperature, top_k, seed=5)
        assert drawn == again
        return np.bincount(drawn, minlength=VOCAB) / 4000

    np.testing.assert_allclose(shares(1.0, None), np.exp(odds), atol=0.03)
    np.testing.assert_allclose(shares(1.0, 2), [0, 0.625, 0.375, 0, 0], atol=0.03)
    squared = np.exp(2 * odds) / np.exp(2 * odds).sum()
    np.testing.assert_allclose(shares(0.5, None), squared, atol=0.03)
