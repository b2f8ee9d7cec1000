"""What is inside a trained model: how its weights and its layers' outputs are distributed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from compare.explain.model import Model
from compare.explain.subjects import Subject
from compare.explain.variants import Weights
from compare.records.explanations import Inside
from compare.spec.arrays import Array
from compare.spec.layers import Recurrent

BINS = 40
SATURATED = 0.99
_BETWEEN_ONES = ("elman", "gru")  # whose state is a tanh, or a mean of such


def weights_of(
    label: str, model: Model, before: Weights, looks: Mapping[int, Mapping[str, float]]
) -> Iterator[Inside]:
    """Every parameter of a model, with its norm, what that was `before` training and at the steps
    at which there were `looks` at it."""
    last = model.experiment.train.steps
    for name, values in model.weights.items():
        first, end = (float(np.linalg.norm(w.astype(np.float64))) for w in (before[name], values))
        norms = {0: first, **{step: norms[name] for step, norms in looks.items()}, last: end}
        one = described(label, name, "weights", values.reshape(-1))
        yield one.model_copy(update={"norms": list(norms.values()), "steps": list(norms)})


def activations_of(label: str, model: Model, subjects: Sequence[Subject]) -> Iterator[Inside]:
    """The output of every layer of the chain that reads the texts, of places that are not
    padding."""
    for index, layer in enumerate(model.layers):
        if not layer.parameters() and layer.kind != "pool":
            continue  # dropout, which drops nothing here
        output, valid = model.activations(subjects, index)
        values = output[valid]  # (places, width)
        is_tanh = isinstance(layer, Recurrent) and layer.cell in _BETWEEN_ONES
        yield described(label, layer.name, "activations", values, is_tanh)


def described(label: str, name: str, what: str, values: Array, is_tanh: bool = False) -> Inside:
    """Of activations the last axis are units."""
    flat: NDArray[np.float64] = values.astype(np.float64).reshape(-1)
    counts, edges = np.histogram(flat, BINS)
    return Inside.model_validate(
        {
            "model": label,
            "name": name,
            "what": what,
            "edges": [float(f"{edge:.4g}") for edge in edges],
            "counts": counts.tolist(),
            "mean": float(flat.mean()),
            "deviation": float(flat.std()),
            "zeros": float((flat == 0).mean()),
            "saturated": float((np.abs(flat) > SATURATED).mean()) if is_tanh else None,
            "dead": float((np.ptp(values, axis=0) == 0).mean()) if what == "activations" else None,
        }
    )
