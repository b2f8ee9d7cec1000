"""Attributions: how much each token had to do with an answer, computed from gradients and answers.

Every method is the same NumPy for all backends; scores are signed and in nats, and add up over the
width of a token's vector (not its length, which has no sign).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.explain.model import Model
from compare.explain.subjects import Subject

Vectors = list[NDArray[np.float64]]

NODES = 32
"""Of the path of integrated gradients: with Gauss-Legendre weights the sum is complete to 1e-13 in
float64 for smooth models, where a trapezoid of as many is off by percents."""


MORE_NODES = 128
COMPLETE = 1e-5
"""Of the largest of what there is to explain: as much may a sum be off before nodes are added"""


class Attribution(NamedTuple):
    """`scores` of a subject's tokens; `value` is f of its text, `baseline` f of what stands for no
    text at all, None of a method that has none."""

    scores: NDArray[np.float64]
    value: float
    baseline: float | None

    @property
    def gap(self) -> float | None:
        """By how much the scores do not add up to what there is to explain."""
        if self.baseline is None:
            return None
        return float(self.scores.sum() - (self.value - self.baseline))


Method = Callable[[Model, Sequence[Subject]], list[Attribution]]


def gradient_times_input(model: Model, subjects: Sequence[Subject]) -> list[Attribution]:
    """Gradient of f for a token's vector, times the vector (Shrikumar et al. 2017, section 2)."""
    vectors = _vectors(model, subjects)
    gradients = model.gradients(subjects, vectors)
    values = model.answers(subjects, [one.ids for one in subjects])
    return [
        Attribution((gradient * vector).sum(-1), float(value), None)
        for gradient, vector, value in zip(gradients, vectors, values, strict=True)
    ]


def integrated_gradients(model: Model, subjects: Sequence[Subject]) -> list[Attribution]:
    """The gradient along the straight path from vectors of zeros to the text's, times the way
    (Sundararajan et al. 2017, equation 1), by Gauss-Legendre quadrature of `NODES` nodes, and of
    `MORE_NODES` for texts whose scores do not add up with these: along their paths the answer
    turns more sharply than a polynomial of that degree.

    What a model adds by position stays: it is the token alone that comes and goes.
    """
    found = _integrated(model, subjects, NODES)
    largest = max(abs(one.value - (one.baseline or 0.0)) for one in found)
    loose = [i for i, one in enumerate(found) if abs(one.gap or 0.0) > COMPLETE * largest]
    for i, finer in zip(loose, _integrated(model, [subjects[i] for i in loose], MORE_NODES),
                        strict=True):  # fmt: skip
        found[i] = min(found[i], finer, key=lambda one: abs(one.gap or 0.0))
    return found


def _integrated(model: Model, subjects: Sequence[Subject], count: int) -> list[Attribution]:
    if not subjects:
        return []
    nodes, weights = np.polynomial.legendre.leggauss(count)
    alphas, weights = (nodes + 1) / 2, weights / 2  # from [-1, 1] to [0, 1]
    vectors = _vectors(model, subjects)
    paths = [one for one in subjects for _ in alphas]
    points = [alpha * vector for vector in vectors for alpha in alphas]
    gradients = model.gradients(paths, points)
    ends = _ends(model, subjects, vectors)
    found = []
    for index, vector in enumerate(vectors):
        steps = gradients[index * count : (index + 1) * count]
        mean = sum(weight * step for weight, step in zip(weights, steps, strict=True))
        found.append(Attribution((mean * vector).sum(-1), *ends[index]))
    return found


def _ends(model: Model, subjects: Sequence[Subject], vectors: Vectors) -> list[tuple[float, float]]:
    """f at the text itself and at vectors of zeros."""
    twice = [*subjects, *subjects]
    values = model.answers_to(twice, [*vectors, *(np.zeros_like(one) for one in vectors)])
    return list(zip(values[: len(subjects)], values[len(subjects) :], strict=True))


def occlusion(model: Model, subjects: Sequence[Subject]) -> list[Attribution]:
    """How much f falls where a token is left out and the text closed up (Li et al. 2016)."""
    asked, texts = [], []
    for one in subjects:
        shorter = [(*one.ids[:at], *one.ids[at + 1 :]) for at in range(len(one.ids))]
        texts += [one.ids, *shorter]
        asked += [one] * (1 + len(shorter))
    values = iter(model.answers(asked, texts))
    found = []
    for one in subjects:
        value = float(next(values))
        without = np.array([next(values) for _ in one.ids])
        found.append(Attribution(value - without, value, None))
    return found


def _vectors(model: Model, subjects: Sequence[Subject]) -> Vectors:
    return [model.table[list(one.ids)].astype(np.float64) for one in subjects]
