"""What a batch counts: its valid targets and tokens, and its loss from logits."""

import math
from collections.abc import Mapping
from typing import Any

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


def bits_per_byte(loss: float, data: Mapping[str, Any]) -> float | None:
    """Of the original text, from a loss in nats per validation token and the `Prepared.about` of
    the data; None where it does not say how many bytes there were.

    Unlike a perplexity it compares over vocabularies and tokenisers: for an unknown token, whose
    spelling the model need not know, 8 bits are charged for each byte that it stands for, beside
    what the model charges for the token.
    """
    if not data.get("validation_bytes"):
        return None
    bits = loss * data["validation_tokens"] / math.log(2) + 8 * data["unknown_bytes"]
    return float(bits / data["validation_bytes"])
