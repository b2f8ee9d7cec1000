"""The folder a worker reads: experiment, weights and memory-mapped data, all plain files.

    experiment.json   the resolved Experiment
    weights.npz       initial weights by canonical name, float32
    data/*.npy        flat arrays, and the starts from which batches are cut

Nothing in it is unpickled, and no batch is stored: `Dataset` cuts them when they are asked for.
"""

import errno
import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compare.spec.arrays import Array, Batch, Batches
from compare.spec.batches import Cut
from compare.spec.experiment import Experiment


def write_inputs(
    folder: Path,
    experiment: Experiment,
    weights: Mapping[str, Array],
    arrays: Mapping[str, Array],
) -> None:
    """Write everything that a worker needs to `folder`, which must not exist yet."""
    (folder / "data").mkdir(parents=True)
    (folder / "experiment.json").write_text(experiment.model_dump_json(indent=2), encoding="utf-8")
    write_arrays(folder / "weights.npz", weights)
    for name, array in arrays.items():
        _save(folder / "data" / f"{name}.npy", array)


def _save(path: Path, array: Array) -> None:
    try:
        np.save(path, array, allow_pickle=False)
    except OSError as error:
        if error.errno is None:  # NumPy tells how much it could write, and not why no more
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
        raise


def read_experiment(folder: Path) -> Experiment:
    """The experiment of an inputs folder."""
    return Experiment.model_validate_json((folder / "experiment.json").read_text("utf-8"))


def read_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """The initial weights of an inputs folder, float32 by canonical name."""
    return read_arrays(folder / "weights.npz")


def read_arrays(path: Path) -> dict[str, Array]:
    """Arrays by name from an .npz file, never unpickling."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Arrays by name to an .npz file; object arrays are refused."""
    np.savez(path, allow_pickle=False, **arrays)


class Dataset:
    """One split of an inputs folder, its arrays memory-mapped."""

    def __init__(self, folder: Path, cuts: Mapping[str, Cut]) -> None:
        self._cuts = dict(cuts)
        names = {name for c in cuts.values() for name in (c.array, c.starts, c.widths) if name}
        self._arrays = {
            name: np.load(folder / "data" / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in names
        }

    def __len__(self) -> int:
        """Number of batches that are planned."""
        return min(len(self._arrays[cut.starts]) for cut in self._cuts.values())

    def runs(self, first: int, last: int) -> list[Batches]:
        """Fields of the steps [first, last), each (steps, batch, width), apart where the width
        changes."""
        borders = {first, last}
        for cut in self._cuts.values():
            if cut.widths:
                changes = np.flatnonzero(np.diff(self._arrays[cut.widths][first:last]))
                borders.update((first + 1 + changes).tolist())
        return [self.batches(start, end) for start, end in pairwise(sorted(borders))]

    def batches(self, first: int, last: int) -> Batches:
        """Fields of the steps [first, last), which are of one width, each (steps, batch, width)."""
        return {name: self._cut(cut, first, last) for name, cut in self._cuts.items()}

    def batch(self, index: int) -> Batch:
        """Fields of one step, each (batch, width)."""
        return {name: field[0] for name, field in self.batches(index, index + 1).items()}

    def _cut(self, cut: Cut, first: int, last: int) -> Array:
        starts = self._arrays[cut.starts][first:last]  # (steps, batch)
        width = int(self._arrays[cut.widths][first]) if cut.widths else cut.width
        columns = np.arange(cut.offset, cut.offset + width)  # (width,)
        picked: Array = self._arrays[cut.array][starts[..., None] + columns]
        # A corpus is kept in the smallest type that holds its ids; a batch has int32.
        return picked if picked.dtype == bool else picked.astype(np.int32, copy=False)
