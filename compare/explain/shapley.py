"""Shapley values of tokens, and a local linear surrogate: what a model makes of texts with words
left out, shared out among the words.

Which words are left out depends on the length of a text alone, so that every backend is asked about
the very same texts.
"""

from collections.abc import Sequence
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from compare.explain.methods import Attribution
from compare.explain.model import Model
from compare.explain.subjects import Subject
from compare.spec.weights import generator

MOST_EXACT = 8
"""Tokens of which all subsets are asked: 256 texts; longer texts are sampled"""

PERMUTATIONS = 10
"""Of a text, each walked to and fro (Mitchell et al. 2022, section 3: antithetic sampling)"""

SURROGATE_TEXTS = 200
_KERNEL_WIDTH = 0.25
_RIDGE = 1.0

Masks = NDArray[np.bool_]
"""(texts, tokens): True where a token is there"""


def shapley_values(model: Model, subjects: Sequence[Subject]) -> list[Attribution]:
    """The mean, over all orders in which tokens could come in, of what each adds to f (Shapley
    1953): exactly up to `MOST_EXACT` tokens, else over `PERMUTATIONS` orders to and fro. A token
    that is not in is left out, and the text closed up; no token at all is the unknown one alone."""
    masks = [_masks(len(one.ids)) for one in subjects]
    return [
        Attribution(_shares(mask, values), float(values[0]), float(values[1]))
        for mask, values in zip(masks, _values(model, subjects, masks), strict=True)
    ]


def surrogate(model: Model, subjects: Sequence[Subject]) -> list[Attribution]:
    """Coefficients of a ridge regression of f on which tokens are there, over `SURROGATE_TEXTS`
    texts with words left out, near ones counting more (Ribeiro et al. 2016, section 3.4).

    As their program has it: weights sqrt(exp(-d^2 / width^2)) of the cosine distance d to the whole
    text, width 0.25, and a penalty of 1.
    """
    masks = [_random_masks(len(one.ids)) for one in subjects]
    return [
        Attribution(_coefficients(mask, values), float(values[0]), None)
        for mask, values in zip(masks, _values(model, subjects, masks), strict=True)
    ]


def shapley_of_game(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exact Shapley values of a game of k players from its values (2^k,), where bit i of the index
    tells whether player i is in (Shapley 1953, equation 12)."""
    players = len(values).bit_length() - 1
    index = np.arange(len(values))
    size = np.array([int(one).bit_count() for one in index])
    found = np.zeros(players)
    for player in range(players):
        without = index[(index >> player) & 1 == 0]
        weights = np.array([1 / (players * comb(players - 1, s)) for s in size[without]])
        found[player] = (weights * (values[without | (1 << player)] - values[without])).sum()
    return found


def _values(
    model: Model, subjects: Sequence[Subject], masks: Sequence[Masks]
) -> list[NDArray[np.float64]]:
    """f of every masked text of every subject, one question for all."""
    asked = [one for one, mask in zip(subjects, masks, strict=True) for _ in mask]
    texts = [
        tuple(np.array(one.ids)[row].tolist())
        for one, mask in zip(subjects, masks, strict=True)
        for row in mask
    ]
    values = model.answers(asked, texts)
    return np.split(values, np.cumsum([len(mask) for mask in masks])[:-1])


@cache
def _masks(tokens: int) -> Masks:
    """First the whole text, then the empty one; then every subset by its number, or the walks."""
    ends = np.array([[True] * tokens, [False] * tokens])
    if tokens <= MOST_EXACT:
        every = (np.arange(2**tokens)[:, None] >> np.arange(tokens)) & 1 == 1
        return np.concatenate([ends, every])
    walks = []
    for order in _orders(tokens):
        there = np.zeros(tokens, bool)
        for token in order[:-1]:  # the last one makes it whole
            there[token] = True
            walks.append(there.copy())
    return np.concatenate([ends, walks])


@cache
def _orders(tokens: int) -> tuple[tuple[int, ...], ...]:
    random = generator(tokens, "shapley")
    orders = [tuple(random.permutation(tokens).tolist()) for _ in range(PERMUTATIONS)]
    return tuple(walk for order in orders for walk in (order, order[::-1]))


def _shares(masks: Masks, values: NDArray[np.float64]) -> NDArray[np.float64]:
    tokens = masks.shape[1]
    whole, empty, rest = values[0], values[1], values[2:]
    if tokens <= MOST_EXACT:
        return shapley_of_game(rest)
    found = np.zeros(tokens)
    for order, steps in zip(_orders(tokens), rest.reshape(-1, tokens - 1), strict=True):
        found[list(order)] += np.diff([empty, *steps, whole])
    return found / len(_orders(tokens))


@cache
def _random_masks(tokens: int) -> Masks:
    """The whole text, and texts of which a number of tokens, each as likely, is left out."""
    random = generator(tokens, "surrogate")
    masks = np.ones((SURROGATE_TEXTS, tokens), bool)
    for row in masks[1:]:
        row[random.permutation(tokens)[: random.integers(1, tokens + 1)]] = False
    return masks


def _coefficients(masks: Masks, values: NDArray[np.float64]) -> NDArray[np.float64]:
    from sklearn.linear_model import Ridge

    distance = 1 - np.sqrt(masks.mean(1))  # of the cosine, to a row of ones
    near = np.sqrt(np.exp(-((distance / _KERNEL_WIDTH) ** 2)))
    fitted = Ridge(alpha=_RIDGE).fit(masks.astype(np.float64), values, sample_weight=near)
    found: NDArray[np.float64] = fitted.coef_
    return found
