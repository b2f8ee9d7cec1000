"""Why ranks compute something else than one process: each mistake that training on several
processes is known for leaves its own mark on the first two steps."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.spec.arrays import Array
from compare.spec.experiment import Experiment
from compare.spec.layers import Recurrent
from compare.spec.optimizer import OptimizerSpec

_ALIKE = 1e-6
"""Largest difference of what is taken for equal, relative: what is right agrees to 1e-10, and what
a mistake does is larger by far"""


class FirstSteps(NamedTuple):
    """What a cell did in the first two steps of its training: the loss of each, of the first one
    also every rank's share, (ranks,), which add up to it; the gradients of each rank's rows at the
    initial weights, and the weights after the first step."""

    losses: tuple[float, float]
    shares: NDArray[np.float64]
    gradients: Sequence[Mapping[str, Array]]
    weights: Mapping[str, Array]


def cause(
    found: FirstSteps,
    right: FirstSteps,
    initial: Mapping[str, Array],
    targets: Sequence[int],
    experiment: Experiment,
) -> str:
    """The mistake that fits, in words; empty where none of those that are known does.

    `targets` are the valid ones of each rank's rows of the first batch. What is wrong on one
    process too may look like one of them.
    """
    if not _alike(found.losses[0], right.losses[0]):
        return _of_the_loss(found, right, np.array(targets, np.float64), experiment)
    names = initial.keys()
    update, expected = (_flat(one.weights, names) - _flat(initial, names) for one in (found, right))
    if update.shape != expected.shape or not np.isfinite(update).all() or not expected.any():
        return ""
    if not _alike(update, expected):
        return _of_the_update(update, expected, found, experiment.optimizer)
    layers = (*experiment.model.encoder, *experiment.model.layers)
    carries = any(isinstance(layer, Recurrent) and layer.carry_state for layer in layers)
    if carries and not _alike(found.losses[1], right.losses[1]):
        return "each rank has to go on from the state that its own rows left, and does not"
    return ""


def _of_the_loss(
    found: FirstSteps, right: FirstSteps, targets: NDArray[np.float64], experiment: Experiment
) -> str:
    shares, ranks, loss = found.shares, len(found.shares), right.losses[0]
    of_all = float((shares * targets).sum() / targets.sum())  # if each is a mean of its own targets
    if shares[0] and not shares[1:].any():
        return "only rank 0 tells its share of the loss"
    if _alike(shares, np.full(ranks, loss)):
        return "every rank tells the loss of the whole batch, and not its share of it"
    if (shares == shares[0]).all():
        return "every rank trains on the same rows"
    if _alike(of_all, loss):
        return "each rank divides by its own valid targets, and not by those of the whole batch"
    if _alike(ranks * of_all, loss):
        return "the loss is the mean of the ranks' means, and not that of the whole batch"
    for factor, words in ((ranks, f"{ranks} times too large"), (1 / ranks, f"1/{ranks} of it")):
        if _alike(found.losses[0], factor * loss):
            return f"the loss is {words}: shares are to be added up once, and not averaged"
    names = experiment.model.parameters().keys()
    gradient, expected = (
        np.sum([_flat(one, names) for one in steps.gradients], 0) for steps in (found, right)
    )
    if any(experiment.model.dropouts()) and _alike(gradient, expected):  # taken without masks
        return "dropout masks have to be those of each rank's own rows, and are not"
    return ""


def _of_the_update(
    update: NDArray[np.float64],
    expected: NDArray[np.float64],
    found: FirstSteps,
    optimizer: OptimizerSpec,
) -> str:
    """Of a first step whose loss is right. How long a gradient is can be seen in the step of an
    optimizer that feels it, which Adam does not."""
    ranks, factor = len(found.shares), _multiple(update, expected)
    if factor is None:
        apart = _clipped_apart(found, optimizer.clip_norm) if optimizer.clip_norm else None
        if apart is not None and _multiple(update, apart) is not None:
            return "each rank clips its own gradient, and not the sum of all"
        return ""
    if optimizer.clip_norm and _alike(factor, ranks**-0.5):
        return f"the norm that clips is sqrt({ranks}) times too long: added up over ranks twice"
    if _alike(factor, ranks):
        return (
            f"the gradient is {ranks} times too large: added up twice, or multiplied to undo an"
            " average that was a sum"
        )
    if _alike(factor, 1 / ranks):
        return f"the gradient is 1/{ranks} of it: averaged over ranks, and not added up"
    return ""


def _clipped_apart(found: FirstSteps, clip_norm: float) -> NDArray[np.float64]:
    """The sum of every rank's gradient, each clipped for itself."""
    apart = [_flat(one, one.keys()) for one in found.gradients]
    norms = [max(float(np.linalg.norm(one)), np.finfo(float).tiny) for one in apart]
    total: NDArray[np.float64] = np.sum(
        [one * min(1.0, clip_norm / norm) for one, norm in zip(apart, norms, strict=True)], 0
    )
    return total


def _flat(arrays: Mapping[str, Array], names: Collection[str]) -> NDArray[np.float64]:
    """All of these as one vector; none where one is missing."""
    if not set(names) <= arrays.keys():
        return np.zeros(0)
    return np.concatenate([arrays[name].astype(np.float64).ravel() for name in sorted(names)])


def _multiple(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """How many times the other vector the one is; None where it is no multiple of it."""
    if one.shape != other.shape or not other.any():
        return None
    factor = float(one @ other / (other @ other))
    return factor if _alike(factor * other, one) else None


def _alike(one: float | NDArray[np.float64], other: float | NDArray[np.float64]) -> bool:
    if np.shape(one) != np.shape(other) or not np.size(one):
        return False
    return bool(np.abs(np.subtract(one, other)).max() <= _ALIKE * np.abs(other).max())
