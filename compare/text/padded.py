"""Batches of sequences of many lengths: padded, truncated, and grouped by length where asked.

Rows are stored once, padded to the longest that is allowed; the plan of the batches are starts
into them, see `compare.spec.Cut`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compare.spec.arrays import Array
from compare.spec.batches import Cut
from compare.spec.training import TrainSpec
from compare.spec.weights import generator

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Sequences:
    """One side of the examples: token ids of each, cut off at `width`.

    With `end`, this is what a decoder learns to say: its targets are the ids and then the end,
    `width` of them at most, and its inputs are the same, one later, behind `begin`. Without, it is
    what a model reads.
    """

    rows: Sequence[Ids]
    width: int
    begin: int | None = None
    end: int | None = None

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, the end included, before anything is cut off."""
        return np.array([len(row) + (self.end is not None) for row in self.rows], np.int64)


@dataclass(frozen=True)
class Split:
    """One split's arrays and cuts, as `Prepared` takes them, its number of examples, and the share
    of these of which any side was cut off."""

    arrays: dict[str, Array]
    cuts: dict[str, Cut]
    examples: int
    truncated: float


def training(
    sides: Mapping[str, Sequences], train: TrainSpec, buckets: int = 1, labels: Ids | None = None
) -> Split:
    """Batches for `train.steps` steps over examples in an order drawn from the seed, each as often
    as the others.

    `sides` are "source" and "target", or "inputs" of a classifier, whose `labels` are (n,). With
    `buckets` a batch's rows are of like length: examples are sorted by length into as many groups,
    and a step pads to the longest of its group. Each group is there among the first `buckets`
    steps, so that compiling for its width is over before anything is timed.
    """
    groups = _groups(sides, buckets)
    turns = _stream(len(groups), train.steps, train.seed, "groups")
    examples = np.empty((train.steps, train.batch), np.int64)
    for index, group in enumerate(groups):
        here = np.flatnonzero(turns == index)
        drawn = _stream(len(group), len(here) * train.batch, train.seed, f"group {index}")
        examples[here] = group[drawn].reshape(len(here), train.batch)
    widths = _widths(sides, groups)[turns] if buckets > 1 else None
    return _split("train", sides, labels, examples, widths)


def validation(
    sides: Mapping[str, Sequences],
    train: TrainSpec,
    labels: Ids | None = None,
    name: str = "validation",
) -> Split:
    """Batches of the first `train.validation_batches * train.batch` examples, each once and in
    their order; the last batch is filled up with rows that count nowhere. `name` is the split's."""
    examples = next(iter(sides.values()))
    kept = min(len(examples.rows), train.validation_batches * train.batch)
    sides = {name: replace(side, rows=side.rows[:kept]) for name, side in sides.items()}
    labels = None if labels is None else labels[:kept]
    missing = -kept % train.batch
    rows = np.append(np.arange(kept), np.full(missing, kept)).reshape(-1, train.batch)
    split = _split(name, sides, labels, rows)
    if labels is not None:  # a decoder's targets have a mask already
        starts = split.cuts["targets"].starts
        split.arrays[f"{name}.counts"] = np.append(np.ones(kept, bool), False)
        split.cuts["targets_mask"] = Cut(array=f"{name}.counts", starts=starts, width=1)
    return split


def _groups(sides: Mapping[str, Sequences], buckets: int) -> list[NDArray[np.int64]]:
    """Examples by length, in groups of like size, the longest first; a single one as it is."""
    lengths = np.max([side.lengths() for side in sides.values()], axis=0)
    if buckets == 1:
        return [np.arange(len(lengths))]
    order = np.argsort(-lengths, kind="stable")
    return [group for group in np.array_split(order, buckets) if len(group)]


def _widths(
    sides: Mapping[str, Sequences], groups: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Columns that each group needs of each side, (groups, sides)."""
    return np.array(
        [
            [min(side.width, int(side.lengths()[group].max())) for side in sides.values()]
            for group in groups
        ]
    )


def _stream(examples: int, length: int, seed: int, name: str) -> NDArray[np.int64]:
    """The numbers below `examples`, shuffled anew whenever all were there, (length,)."""
    random = generator(seed, f"order of {name}")
    epochs = [random.permutation(examples) for _ in range(-(-length // examples))]
    return np.concatenate([*epochs, np.zeros(0, np.int64)])[:length]


def _split(
    name: str,
    sides: Mapping[str, Sequences],
    labels: Ids | None,
    rows: NDArray[np.int64],
    widths: NDArray[np.int64] | None = None,
) -> Split:
    """Arrays and cuts of batches with these examples as rows, (steps, batch).

    `widths`, (steps, sides), where they are not the sides' own.
    """
    arrays: dict[str, Array] = {}
    cuts: dict[str, Cut] = {}
    for index, (side, sequences) in enumerate(sides.items()):
        array = f"{name}.{side}"
        stride = sequences.width + (sequences.end is not None)
        arrays[array], arrays[f"{array}.valid"] = _pad(sequences, stride)
        arrays[f"{array}.starts"] = rows * stride
        cut = Cut(array=array, starts=f"{array}.starts", width=sequences.width)
        if widths is not None:
            arrays[f"{array}.widths"] = widths[:, index]
            cut = cut.model_copy(update={"widths": f"{array}.widths"})
        mask = cut.model_copy(update={"array": f"{array}.valid"})
        if sequences.end is None:
            cuts |= {side: cut, f"{side}_mask": mask}
        else:  # targets are the inputs, one token later
            later = {"offset": 1}
            cuts |= {"inputs": cut, "targets": cut.model_copy(update=later)}
            cuts["targets_mask"] = mask.model_copy(update=later)
    if labels is not None:
        arrays[f"{name}.labels"] = np.append(labels, 0).astype(np.int32)
        arrays[f"{name}.labels.starts"] = rows
        cuts["targets"] = Cut(array=f"{name}.labels", starts=f"{name}.labels.starts", width=1)
    examples = len(next(iter(sides.values())).rows)
    return Split(arrays, cuts, examples, _truncated(sides))


def _pad(sequences: Sequences, stride: int) -> tuple[Ids, NDArray[np.bool_]]:
    """All rows and an empty one, flat, each of `stride` tokens, and which of these are valid."""
    rows = len(sequences.rows) + 1
    ids, valid = np.zeros((rows, stride), np.int32), np.zeros((rows, stride), bool)
    for index, row in enumerate(sequences.rows):
        whole = row[: sequences.width]
        if sequences.end is not None:
            whole = np.concatenate([[sequences.begin], row, [sequences.end]])[:stride]
        ids[index, : len(whole)] = whole
        valid[index, : len(whole)] = True
    if sequences.end is None:
        valid[:, 0] = True  # attention must see something, also in a row that counts nowhere
    return ids.reshape(-1), valid.reshape(-1)


def _truncated(sides: Mapping[str, Sequences]) -> float:
    cut = np.any([side.lengths() > side.width for side in sides.values()], axis=0)
    return float(cut.mean()) if len(cut) else 0.0
