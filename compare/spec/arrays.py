"""The array types that the core and plug-ins hand to each other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # a worker imports this module, and has no use for what these need
    pass


Array = NDArray[Any]


Weights = Mapping[str, Array]


"""Parameters by canonical name, in the shapes of `ModelSpec.parameters()`."""


Batch = Mapping[str, Array]


"""One step's fields by name, see `Experiment`: token ids (batch, time) int32, masks (batch, time)
bool, and `dropout.NAME`, (batch, time, width) bool, for each place that drops values."""


Batches = Mapping[str, Array]


"""Several steps' fields, stacked along a new first axis: (steps, batch, time)."""


def as_float(losses: Any) -> NDArray[np.float64]:
    """Losses as the float64 that records hold, whatever array type an adapter returned."""
    return np.asarray(losses, dtype=np.float64).reshape(-1)
