"""Whether a model does what its explanation says: words are left out, and it is asked again."""

from collections.abc import Callable, Sequence
from itertools import compress
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.explain.agreement import Scores, mean
from compare.explain.methods import Attribution
from compare.explain.model import Model
from compare.explain.subjects import Subject
from compare.spec.weights import generator
from compare.stats.intervals import Interval

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Of a text's tokens, each at least one (DeYoung et al. 2020, section 4.2)"""
CURVE = tuple(share / 10 for share in range(11))
"""Shares of a text at which curves are read"""
_INFIDELITY_MASKS = 10


class Faithfulness(NamedTuple):
    """Of one method, means over texts with bootstrap intervals, all of f, in nats, toward the
    answer that was given.

    `comprehensiveness` is how far f falls without the most important tokens, `sufficiency` how far
    with them alone, both the mean over `SHARES`; `deletion` and `insertion` the area of f as tokens
    are left out, or come in, one by one, the most important first, less that of a random order;
    `infidelity` the mean square of what random deletions do beyond what scores say, over the square
    of f's own change (Yeh et al. 2019, definition 2.1, without a scale).
    `curve` is f at `CURVE` shares left out, `random` the same in random order, means over texts;
    `rule` is what the data's own rule says of the texts of `curve`, where it is known.
    """

    comprehensiveness: Interval | None
    sufficiency: Interval | None
    deletion: Interval | None
    insertion: Interval | None
    infidelity: Interval | None
    curve: tuple[float, ...]
    random: tuple[float, ...]
    rule: tuple[float, ...] | None


Rule = Callable[[Sequence[str]], float]
"""What the data's own rule says of the tokens that are left"""


def faithfulness(
    model: Model,
    subjects: Sequence[Subject],
    attributions: Sequence[Attribution],
    rule: Rule | None = None,
) -> Faithfulness:
    asked, texts, parts = [], [], []
    signs = [_toward(one, a) for one, a in zip(subjects, attributions, strict=True)]
    scores = [sign * a.scores for sign, a in zip(signs, attributions, strict=True)]
    for one, given in zip(subjects, scores, strict=True):
        rows = _rows(one, given)
        parts.append(rows)
        some = [row for group in rows for row in group]
        texts += [tuple(np.array(one.ids)[row].tolist()) for row in some]
        asked += [one] * len(some)
    values = iter(model.answers(asked, texts))
    found = []
    for sign, given, rows in zip(signs, scores, parts, strict=True):
        answers = [sign * np.array([next(values) for _ in group]) for group in rows]
        found.append(_of_text(given, rows, answers))
    of_rule = None
    if rule:
        walks = [
            sign * np.array([rule(list(compress(one.tokens, row))) for row in rows[3]])
            for sign, one, rows in zip(signs, subjects, parts, strict=True)
        ]
        of_rule = tuple(np.mean([_read(walk) for walk in walks], axis=0).tolist())
    means = {name: mean([getattr(one, name) for one in found]) for name in _Text._fields[:5]}
    return Faithfulness(
        curve=tuple(np.mean([one.curve for one in found], axis=0).tolist()),
        random=tuple(np.mean([one.random for one in found], axis=0).tolist()),
        rule=of_rule,
        **means,
    )


def _toward(one: Subject, attribution: Attribution) -> float:
    """1, or -1 where the answer that was given is the other one: log-odds have two sides."""
    return -1.0 if one.instead is not None and attribution.value < 0 else 1.0


class _Text(NamedTuple):
    comprehensiveness: float
    sufficiency: float
    deletion: float
    insertion: float
    infidelity: float
    curve: NDArray[np.float64]
    random: NDArray[np.float64]


Rows = list[NDArray[np.bool_]]


def _rows(one: Subject, given: Scores) -> list[Rows]:
    """Which tokens are there: whole and empty; without the most important, and with them alone; one
    after the other left out, and in random order; come in, and in random order; random masks."""
    tokens = len(one.ids)
    order = np.argsort(-given, kind="stable")
    random = generator(tokens, f"faithfulness {one.example}")
    other = random.permutation(tokens)
    without = [_places(tokens, order[: ceil(share * tokens)], there=False) for share in SHARES]
    alone = [_places(tokens, order[: ceil(share * tokens)], there=True) for share in SHARES]
    masks = random.random((_INFIDELITY_MASKS, tokens)) < 0.5
    return [
        [np.ones(tokens, bool), np.zeros(tokens, bool)],
        without,
        alone,
        _walk(order, there=False),
        _walk(other, there=False),
        _walk(order, there=True),
        _walk(other, there=True),
        list(masks),
    ]


def _places(tokens: int, at: NDArray[np.intp], there: bool) -> NDArray[np.bool_]:
    row = np.full(tokens, not there)
    row[at] = there
    return row


def _walk(order: NDArray[np.intp], there: bool) -> Rows:
    return [_places(len(order), order[:count], there) for count in range(len(order) + 1)]


def _of_text(given: Scores, rows: list[Rows], answers: list[NDArray[np.float64]]) -> _Text:
    (whole, _), without, alone, deleted, deleted_other, inserted, inserted_other, masked = answers
    scored = np.array([given[~row].sum() for row in rows[-1]])
    change = whole - masked
    scale = float((change**2).mean())
    return _Text(
        float((whole - without).mean()),
        float((whole - alone).mean()),
        float(np.mean(deleted) - np.mean(deleted_other)),
        float(np.mean(inserted) - np.mean(inserted_other)),
        float(((scored - change) ** 2).mean()) / scale if scale else float("nan"),
        _read(deleted),
        _read(deleted_other),
    )


def _read(walk: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(CURVE, np.linspace(0, 1, len(walk)), walk)
