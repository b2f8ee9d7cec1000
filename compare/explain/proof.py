"""Explanations in float64 from the same weights: every backend against the oracle, score by score.

Gradients of positions, integrated gradients, what is left without a word, the output of every layer
and attention maps put back into their blocks: two right implementations agree in all of them to
about 1e-15, and what differs is a mistake in a gradient or in a layer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.explain.attention import attention_maps, cross_maps
from compare.explain.methods import gradient_times_input, integrated_gradients, occlusion
from compare.explain.model import Model, answering
from compare.explain.subjects import Subject
from compare.explain.texts import texts_of
from compare.planning.choice import Choice
from compare.planning.plan import Plan
from compare.records.record_types import Status
from compare.running.audit import Check
from compare.worker.process import CellEnded

TOLERANCE = 1e-12
"""Largest difference in float64, relative to the largest value of the array"""
TEXTS = 8

Values = Mapping[str, NDArray[np.float64]]


class Proved(NamedTuple):
    """What one cell's explanations came to; how it ended and why, where it gave none."""

    check: Check | None
    status: Status = "ok"
    reason: str = ""


def prove_cells(plan: Plan, oracle: Choice, watch: Callable[[str, int, int], None]) -> list[Proved]:
    """Hold the explanations of every cell of a plan, at its initial weights, against the oracle's;
    raises CellEnded where the oracle gives none."""
    watch(f"the oracle's explanations, {oracle.cell.label}", 0, 1 + len(plan.choices))
    expected = _explained(plan, oracle)
    found = list[Proved]()
    for choice in plan.choices:
        watch(f"explaining {choice.cell.label}", 1 + len(found), 1 + len(plan.choices))
        try:
            found.append(Proved(held(_explained(plan, choice), expected)))
        except CellEnded as end:
            found.append(Proved(None, end.status, end.reason))
    return found


def _explained(plan: Plan, choice: Choice) -> Values:
    with answering(choice, plan.run.timeout, plan.threads) as answer:
        texts = texts_of(plan.experiment, plan.prepared, TEXTS)
        subjects = texts.subjects[:TEXTS]
        if texts.undecided:  # any answer does: the likeliest are not told apart by rounding
            subjects = [replace(one, token=1, instead=0) for one in subjects]
        model = Model(answer, plan.experiment, plan.weights, texts.asking)
        return dict(explanations_of(model, subjects))


def explanations_of(
    model: Model, subjects: Sequence[Subject]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """All that is held against the oracle's, by what it is."""
    for name, method in (
        ("gradient x input", gradient_times_input),
        ("integrated gradients", integrated_gradients),
    ):
        yield name, np.concatenate([one.scores for one in method(model, subjects)])
    # The answers themselves: untrained models hardly feel a word, and of a small difference of two
    # answers rounding is a large part.
    left_out = [one.value - one.scores for one in occlusion(model, subjects)]
    yield "answers without a word", np.concatenate(left_out)
    for index, layer in enumerate(model.layers):
        output, valid = model.activations(subjects, index)
        yield f"output of {layer.name}", output[valid].astype(np.float64)
    for maps in (*attention_maps(model, subjects), *cross_maps(model, subjects)):
        yield f"maps of {maps.layer}", maps.weights


def held(found: Values, expected: Values) -> Check:
    """How far they are apart, and what is the farthest."""
    apart = {}
    for name, value in expected.items():
        difference = np.abs(found[name] - value)
        scale = float(np.abs(value).max()) or 1.0
        apart[name] = float(difference.max()) / scale if np.isfinite(difference).all() else np.inf
    where = max(apart, key=lambda name: apart[name])
    worst = apart[where]
    return Check(
        worst=worst if np.isfinite(worst) else None,
        allowed=TOLERANCE,
        where=f"of {where}",
        passed=worst <= TOLERANCE,
    )
