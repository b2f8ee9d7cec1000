"""Mistakes that explanations are prone to, each planted, caught and named.

Those of an adapter, or of how it is asked, by `compare audit --explain`, which says what is wrong
first; those of a formula by sums that do not come out, which the page says of the method.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from asked import model_of, planned
from compare.report.explained import complete
from numpy.typing import NDArray

from compare.explain.methods import NODES, Attribution, integrated_gradients
from compare.explain.model import Model
from compare.explain.proof import explanations_of, held
from compare.explain.subjects import Subject
from compare.records.explanations import Explained

Values = NDArray[np.float64]
COMPLETE = 1e-10
"""In float64, relative to what there is to explain"""


def gradients_are(wrong: Callable[[Values], Values]) -> Callable[[Model], None]:
    """Of an adapter that makes this of the gradient of the position table (rows, dim)."""

    def plant(model: Model) -> None:
        right = model.answer
        model.answer = lambda experiment, weights, batch, gradient: (
            wrong(np.array(right(experiment, weights, batch, gradient)))
            if gradient
            else right(experiment, weights, batch, gradient)
        )

    return plant


def ignoring_masks(model: Model) -> None:
    right = model.answer
    model.answer = lambda experiment, weights, batch, gradient: right(
        experiment,
        weights,
        {**batch, "inputs_mask": np.ones_like(batch["inputs_mask"])},
        gradient,
    )


def mean_of_rows(model: Model) -> None:
    right = model.answer
    model.answer = lambda experiment, weights, batch, gradient: (
        right(experiment, weights, batch, gradient) / (len(batch["targets"]) if gradient else 1)
    )


def by_word_type(model: Model) -> None:
    """A word's gradient is that of its row of the table: the sum over all places that it has."""
    right = model.gradients

    def summed(subjects: Sequence[Subject], vectors: Sequence[Values]) -> list[Values]:
        found = right(subjects, vectors)
        for one, gradient in zip(subjects, found, strict=True):
            ids = np.array(one.ids)
            for token in set(one.ids):
                gradient[ids == token] = gradient[ids == token].sum(0)
        return found

    model.gradients = summed  # type: ignore[method-assign]


GRADIENTS = {"of gradient x input", "of integrated gradients"}
OF_ADAPTERS: dict[str, tuple[Callable[[Model], None], set[str]]] = {
    "gradient of the wrong class": (gradients_are(lambda rows: -rows), GRADIENTS),
    "positions shifted by one": (gradients_are(lambda rows: np.roll(rows, 1, axis=0)), GRADIENTS),
    "mean of rows instead of their sum": (mean_of_rows, GRADIENTS),
    "gradient by word type": (by_word_type, GRADIENTS),
    "padding attributed": (ignoring_masks, {"of output of pool"}),
}


@pytest.mark.parametrize("name", OF_ADAPTERS)
def test_a_mistake_of_an_adapter_is_named_by_the_audit(name: str) -> None:
    plant, told = OF_ADAPTERS[name]
    plan = planned()
    right, subjects, _ = model_of(plan)
    wrong, _, _ = model_of(plan)
    assert any(len(set(one.ids)) < len(one.ids) for one in subjects)
    expected = dict(explanations_of(right, subjects))
    assert held(dict(explanations_of(model_of(plan)[0], subjects)), expected).passed
    plant(wrong)
    check = held(dict(explanations_of(wrong, subjects)), expected)
    assert not check.passed
    assert check.where in told
    if told == GRADIENTS:
        assert said_of(integrated_gradients(wrong, subjects)).startswith(
            "They do not quite add up: integrated gradients"
        )


FORMULAS: dict[str, Callable[[Values, Values], float]] = {
    "abs before the sum": lambda mean, vector: float(np.abs(mean * vector).sum()),
    "baseline forgotten": lambda mean, vector: float(mean.sum()),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_mistake_of_a_formula_is_told(name: str) -> None:
    right, mean, vector = path_of_one_text(*np.polynomial.legendre.leggauss(NODES))
    assert right.gap is not None
    assert abs(right.gap) < COMPLETE
    wrong = right._replace(scores=np.array([FORMULAS[name](mean, vector)]))
    assert said_of([wrong]).startswith("They do not quite add up: integrated gradients")


def test_trapezoid_weights_are_told() -> None:
    """Those of captum's riemann_trapezoid, which add up to (n - 1) / n."""
    ends = np.ones(NODES)
    ends[[0, -1]] = 0.5
    right, mean, vector = path_of_one_text(np.linspace(-1, 1, NODES), 2 * ends / NODES)
    wrong = right._replace(scores=(mean * vector).sum(-1))
    assert said_of([wrong]).startswith("They do not quite add up: integrated gradients")


def path_of_one_text(nodes: Values, weights: Values) -> tuple[Attribution, Values, Values]:
    """Its right integrated gradients; the mean gradient by these nodes and weights of [-1, 1], and
    the vectors that the path leads to."""
    model, subjects, _ = model_of(planned(), texts=1)
    vector = model.table[list(subjects[0].ids)].astype(np.float64)
    points = [(node + 1) / 2 * vector for node in nodes]
    steps = model.gradients(subjects * len(points), points)
    mean = sum(weight / 2 * step for weight, step in zip(weights, steps, strict=True))
    (right,) = integrated_gradients(model, subjects)
    assert (mean * vector).sum() != 0
    return right, np.asarray(mean), vector


def said_of(found: Sequence[Attribution]) -> str:
    """What the page says of integrated gradients with the gaps of these."""
    largest = max(abs(one.value - (one.baseline or 0.0)) for one in found)
    gap = max(abs(one.gap or 0.0) for one in found) / largest
    return complete(
        Explained.model_validate(
            {
                "run": "r", "task": "t", "preset": "p", "command": [], "suite_version": "0",
                "function": "f", "examples": 1, "methods": ["integrated"], "models": {},
                "known": "", "largest_gap": {"integrated": gap},
            }
        )
    )  # fmt: skip
