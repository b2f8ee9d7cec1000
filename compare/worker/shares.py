"""What one rank of several is given: its rows of every batch, cut once all else is done."""

from collections.abc import Sequence

import numpy as np

from compare.contracts.backend import Device, Unsupported
from compare.spec.arrays import Batch, Batches
from compare.spec.experiment import Experiment
from compare.worker.losses import valid_targets

COUNT = "count"
"""The field of a batch that has the valid targets of the whole of it"""


def rows_of(batch: Batch, rank: int, size: int) -> dict[str, np.ndarray]:
    """Rows [rank B / size, (rank + 1) B / size) of every field, (B, ...)."""
    rows = len(batch["inputs"]) // size
    return {name: field[rank * rows : (rank + 1) * rows] for name, field in batch.items()}


def share_of(batches: Batches, rank: int, size: int) -> dict[str, np.ndarray]:
    """A rank's rows of every field, (steps, B, ...), and `count`, (steps,) float64.

    Row i stays with its rank from batch to batch, and so does the state that is carried for it.
    """
    rows = batches["inputs"].shape[1] // size
    cut = {name: field[:, rank * rows : (rank + 1) * rows] for name, field in batches.items()}
    steps = ({name: field[at] for name, field in batches.items()} for at in _steps(batches))
    return {**cut, COUNT: np.array([valid_targets(step) for step in steps], np.float64)}


def device_of_rank(asked: Device, devices: Sequence[Device], rank: int, size: int) -> Device:
    """CPUs are every rank's; of GPUs each has one, from the asked one on. Raises Unsupported where
    these are too few: two ranks on one GPU is what NCCL refuses."""
    if asked.kind == "cpu":
        return asked
    left = [d for d in devices if d.kind == asked.kind and d.index >= asked.index]
    if len(left) < size:
        raise Unsupported(f"{size} ranks on {len(left)} of {asked.kind}: each takes one of its own")
    return left[rank]


def _steps(batches: Batches) -> range:
    return range(len(batches["inputs"]))


def experiment_of(experiment: Experiment, rank: int, size: int) -> Experiment:
    """The experiment as a rank plays it: of as many rows as it has. A framework that draws dropout
    masks of its own draws others on each rank."""
    train = experiment.train
    own = {"batch": train.batch // size, "seed": train.seed + 7919 * rank}
    return experiment.model_copy(update={"train": train.model_copy(update=own)})
