"""Decoding, once for every backend, in NumPy on their logits.

All that is asked of a backend is `logits(batch)`. The shapes that it is asked for stay the same
from token to token, so that a compiled model is compiled once: what is not decoded yet is padding
to the right, which no causal model looks at.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from compare.spec.arrays import Array, Batch
from compare.spec.batches import Decoding

Logits = Callable[[Batch], Array]
_LEAST_WIDTH = 32


def beam_search(logits: Logits, batch: Batch, decoding: Decoding) -> list[list[int]]:
    """The best output for each row of `batch`, begin and end left out.

    Beam search (Sutskever et al. 2014, section 3.2) over hypotheses that are ranked by their
    log-probability divided by length^length_penalty (Wu et al. 2016, section 7, without its
    constant); a hypothesis that has ended keeps its place until better ones drive it out. With
    one beam this is greedy decoding. `batch` has the fields of a validation batch, of which
    `inputs` is replaced; a finished search asks for no more logits.
    """
    rows, beams, length = len(batch["source"]), decoding.beams, decoding.max_length
    fields = {name: np.repeat(field, beams, 0) for name, field in batch.items()}
    fields.pop("inputs_mask", None)
    tokens = np.full((rows, beams, length), decoding.end, np.int32)
    scores = np.full((rows, beams), -np.inf)
    scores[:, 0] = 0.0  # all beams begin alike: only one of them counts
    lengths = np.zeros((rows, beams), np.int64)
    ended = np.zeros((rows, beams), bool)
    for at in range(length):
        inputs = np.concatenate(
            [np.full((rows, beams, 1), decoding.begin, np.int32), tokens[:, :, :-1]], -1
        )
        fields["inputs"] = inputs.reshape(rows * beams, length)
        steps = log_softmax(logits(fields)[:, at]).reshape(rows, beams, -1)
        # One that has ended can only go on with its end, at no cost.
        steps[ended] = -np.inf
        steps[ended, decoding.end] = 0.0
        totals = scores[..., None] + steps  # (rows, beams, vocab)
        grown = np.maximum(lengths + ~ended, 1)[..., None] ** decoding.length_penalty
        beam, token = _best(totals / grown, beams)
        picked = np.arange(rows)[:, None], beam
        tokens, lengths = tokens[picked], (lengths + ~ended)[picked]
        tokens[:, :, at] = token
        scores = totals[*picked, token]
        ended = ended[picked] | (token == decoding.end)
        if ended.all():  # not when the best have: a row's output must not hang on other rows
            break
    return [_until(row[0], decoding.end) for row in tokens]  # beams stand in the order of rank


def _best(ranks: NDArray[np.float64], beams: int) -> tuple[Array, Array]:
    """Beam and token of the `beams` largest of (rows, beams, vocab), the largest first; of equals
    the one that comes first."""
    flat = ranks.reshape(len(ranks), -1)
    top = np.sort(np.argpartition(-flat, beams - 1, -1)[:, :beams], -1)
    order = np.argsort(-np.take_along_axis(flat, top, -1), -1, kind="stable")
    chosen = np.take_along_axis(top, order, -1)  # (rows, beams)
    return chosen // ranks.shape[-1], chosen % ranks.shape[-1]


def _until(tokens: NDArray[np.int32], end: int) -> list[int]:
    found = np.flatnonzero(tokens == end)
    return [int(token) for token in tokens[: found[0] if len(found) else None]]


def continue_texts(
    logits: Logits,
    prompt: Sequence[int],
    texts: int,
    tokens: int,
    context: int | None,
    temperature: float,
    top_k: int | None,
    seed: int,
) -> list[list[int]]:
    """`texts` times `tokens` more ids after a prompt that is not empty, each drawn from the
    model's distribution for it.

    Logits are divided by `temperature`, of which 0 is greedy decoding, and all but the `top_k`
    largest are left out (Fan et al. 2018, section 5.4). The draws depend on the seed alone, so
    that equal logits give equal texts. A model sees at most the last `context` tokens.
    """
    random = np.random.Generator(np.random.Philox(seed))
    ids = np.tile(np.array(prompt, np.int32), (texts, 1))
    for _ in range(tokens):
        seen = ids[:, -context:] if context else ids
        length = seen.shape[1]
        inputs = np.zeros((texts, _width(length, context)), np.int32)
        inputs[:, :length] = seen
        last = logits({"inputs": inputs})[:, length - 1].astype(np.float64)  # (texts, vocab)
        draws = random.random(texts)
        drawn = [_choose(row, temperature, top_k, u) for row, u in zip(last, draws, strict=True)]
        ids = np.column_stack([ids, np.array(drawn, np.int32)])
    found: list[list[int]] = ids[:, len(prompt) :].tolist()
    return found


def _width(length: int, context: int | None) -> int:
    """A width for this many tokens out of few widths, since each is compiled anew."""
    width = _LEAST_WIDTH
    while width < length:
        width *= 2
    return min(width, context) if context else width


def _choose(logits: NDArray[np.float64], temperature: float, top_k: int | None, u: float) -> int:
    if temperature == 0:
        return int(logits.argmax())
    order = np.argsort(-logits, kind="stable")[:top_k]
    odds = np.cumsum(np.exp(log_softmax(logits[order] / temperature)))
    return int(order[min(np.searchsorted(odds, u * odds[-1], side="right"), len(order) - 1)])


def log_softmax(logits: Array) -> NDArray[np.float64]:
    """Over the last axis, in float64."""
    values = logits.astype(np.float64)
    values -= values.max(-1, keepdims=True)
    found: NDArray[np.float64] = values - np.log(np.exp(values).sum(-1, keepdims=True))
    return found
