"""Dropout masks that are the same for every backend, from a counter-based generator.

Frameworks cannot draw alike, so the core draws for them: the masks of a step depend on the seed,
the place's name and the step alone, and go into the batch as fields `dropout.NAME`.
"""

import numpy as np
from numpy.typing import NDArray

from compare.spec.arrays import Batches
from compare.spec.model import ModelSpec
from compare.spec.training import TrainSpec
from compare.spec.weights import generator


def field_of(name: str) -> str:
    """The batch field that holds the mask of the dropout of this name."""
    return f"dropout.{name}"


def with_dropout_masks(
    batches: Batches, model: ModelSpec, train: TrainSpec, first: int
) -> dict[str, NDArray[np.generic]]:
    """The batches of the steps from `first` on, with a mask for every place that drops values.

    A mask is (steps, batch, time, width) bool, True for what is kept. None is added where each
    framework draws its own.
    """
    found = dict(batches)
    if train.dropout_masks == "native":
        return found
    steps, rows = batches["inputs"].shape[:2]
    for name, field, site in model.dropouts():
        shape = (rows, batches[field].shape[-1] if field else 1, site.width)
        found[field_of(name)] = np.stack(
            [
                generator(train.seed, f"dropout {name} {step}").random(shape) >= site.rate
                for step in range(first, first + steps)
            ]
        )
    return found
