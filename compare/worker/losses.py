"""What a batch counts: its valid targets and tokens, and its loss from logits."""

import math

import numpy as np

from compare.spec.arrays import Array, Batch, Batches
from compare.worker.decoding import log_softmax


def valid_targets(batch: Batch) -> int:
    """How many targets of a batch count."""
    mask = batch.get("targets_mask")
    return int(batch["targets"].size if mask is None else mask.sum())


def tokens_read(batches: Batches) -> int:
    """How many tokens one batch or several have for the model to read, padding left out."""
    return sum(int(np.sum(valid(batches, f))) for f in ("inputs", "source") if f in batches)


def valid(batches: Batches, field: str) -> Array:
    """Which values of a field are not padding."""
    shape = batches[field].shape
    if f"{field}_mask" in batches:
        return batches[f"{field}_mask"]
    # A decoder's inputs are as many as its targets, which have a mask where they are padded.
    if field == "inputs" and "targets_mask" in batches and shape == batches["targets"].shape:
        return batches["targets_mask"]
    return np.ones(shape, bool)


def negative_log_likelihood(logits: Array, batch: Batch) -> float:
    """Sum of -log softmax(logits)[target] over all valid targets, in float64, row by row."""
    targets = batch["targets"]
    mask = batch.get("targets_mask", np.ones(targets.shape, bool))
    total = 0.0
    for row, wanted, counts in zip(logits, targets, mask, strict=True):  # (time, vocab), (time,)
        chosen = np.take_along_axis(log_softmax(row), wanted[:, None], -1)[:, 0]
        total -= float(chosen[counts].sum())
    return total if math.isfinite(total) else math.nan
