"""Attention maps, from a block's input and its weights: fused kernels of frameworks give none.

The formulas are those of `compare.spec.layers`; that they are the framework's own is checked by
putting the maps back into the layer, whose output is known.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.explain.methods import Attribution
from compare.explain.model import Model
from compare.explain.subjects import Subject
from compare.records.explanations import AttentionMap
from compare.spec.arrays import Array
from compare.spec.layers import AnyLayer, CrossAttention, TransformerBlock

Values = NDArray[np.float64]
Weights = Mapping[str, Array]


class Maps(NamedTuple):
    """Of one layer over texts: `weights` (texts, heads, looking, seen), a row for each place that
    looks; `gap` the largest difference between the layer's output and what the maps make of its
    input, over the largest value."""

    layer: str
    weights: Values
    gap: float


def blocks_of(layers: Sequence[AnyLayer]) -> list[int]:
    """The places of the transformer blocks in a chain that look at nothing but it."""
    return [
        index
        for index, layer in enumerate(layers)
        if isinstance(layer, TransformerBlock) and not layer.memory
    ]


def crossings_of(layers: Sequence[AnyLayer]) -> list[int]:
    """The places of what looks at an encoder's output."""
    return [
        index
        for index, layer in enumerate(layers)
        if isinstance(layer, CrossAttention)
        or (isinstance(layer, TransformerBlock) and layer.memory)
    ]


def attention_maps(model: Model, subjects: Sequence[Subject]) -> list[Maps]:
    """The maps of every block of the chain that reads the texts."""
    found = []
    for index in blocks_of(model.layers):
        block = model.layers[index]
        assert isinstance(block, TransformerBlock)
        given, valid = model.activations(subjects, index - 1)
        output, _ = model.activations(subjects, index)
        seen = valid[:, None, None, :]
        maps, x = _look_at_itself(block, model.weights, given.astype(np.float64), seen)
        x = _feed_forward(block, model.weights, x)
        found.append(Maps(block.name, maps, _gap(x, output, valid)))
    return found


def cross_maps(model: Model, subjects: Sequence[Subject]) -> list[Maps]:
    """What the decoder looks at in the source, (texts, heads, decoder's time, source's time), of
    every layer that does."""
    encoder = len(model.experiment.model.encoder)
    if not encoder:
        return []
    memory, valid = model.activations(subjects, encoder - 1)
    memory, seen = memory.astype(np.float64), valid[:, None, None, :]
    found = []
    for index in crossings_of(model.experiment.model.layers):
        layer = model.experiment.model.layers[index]
        x = model.decoded(subjects, index - 1).astype(np.float64)
        output = model.decoded(subjects, index)
        if isinstance(layer, TransformerBlock):
            _, x = _look_at_itself(layer, model.weights, x, np.ones((1, 1, 1, 1), bool))
            crossing = layer.cross()
        else:
            crossing = layer if isinstance(layer, CrossAttention) else None
        assert crossing is not None
        maps, x = _look_across(crossing, model.weights, x, memory, seen)
        if isinstance(layer, TransformerBlock):
            x = _feed_forward(layer, model.weights, x)
        written = np.arange(x.shape[1]) < np.array([len(one.prefix) for one in subjects])[:, None]
        found.append(Maps(crossing.name, maps, _gap(x, output, written)))
    return found


def kept_maps(label: str, model: Model, subjects: Sequence[Subject]) -> list[AttentionMap]:
    """The maps of every layer that has some, head by head, as they are recorded."""
    return [
        AttentionMap(
            model=label,
            block=of_layer.layer,
            head=head,
            example=one.example,
            looking=looking,
            tokens=list(one.tokens),
            weights=np.round(weights[: len(looking), : len(one.ids)], 4).tolist(),
            gap=of_layer.gap,
        )
        for maps, crosses in (
            (attention_maps(model, subjects), False),
            (cross_maps(model, subjects), True),
        )
        for of_layer in maps
        for row, one in enumerate(subjects)
        for looking in [_places_of_output(one) if crosses else list(one.tokens)]
        for head, weights in enumerate(of_layer.weights[row])
    ]


def _places_of_output(one: Subject) -> list[str]:
    return [f"output {place}" for place in range(1, len(one.prefix) + 1)]


def rollout(model: Model, subjects: Sequence[Subject]) -> list[Attribution]:
    """How much of each token arrives where the answer is read, if every block kept half of what it
    has and took half by the mean of its heads' maps (Abnar and Zuidema 2020, section 3): not
    signed, and nothing of values, norms or the feed-forward part is in it."""
    maps = attention_maps(model, subjects)
    answers = model.answers(subjects, [one.ids for one in subjects])
    found = []
    for row, one in enumerate(subjects):
        tokens = len(one.ids)
        flow = np.eye(tokens)
        for of_block in maps:
            mean = of_block.weights[row, :, :tokens, :tokens].mean(0)
            flow = (0.5 * mean + 0.5 * np.eye(tokens)) @ flow
        scores = flow[-1] if model.asking.reads == "next" else flow.mean(0)
        found.append(Attribution(scores, float(answers[row]), None))
    return found


def cross_attention(model: Model, subjects: Sequence[Subject]) -> list[Attribution]:
    """What the decoder looks at in the source when the answer is read: the mean over heads and
    layers. Where it looks is not what it uses (Jain and Wallace 2019): no sign, no values."""
    maps = cross_maps(model, subjects)
    answers = model.answers(subjects, [one.ids for one in subjects])
    mean = np.mean([one.weights.mean(1) for one in maps], axis=0)  # (texts, decoder, source)
    return [
        Attribution(mean[row, len(one.prefix) - 1, : len(one.ids)], float(answers[row]), None)
        for row, one in enumerate(subjects)
    ]


def _look_at_itself(
    block: TransformerBlock, weights: Weights, x: Values, seen: Array
) -> tuple[Values, Values]:
    """Maps (texts, heads, time, time), and x (texts, time, width) behind the attention."""
    name = f"{block.name}.attention"
    qkv = _linear(weights, f"{name}.qkv", _norm(block, weights, f"{name}.norm", x))
    queries, keys, values = (_heads(part, block.heads) for part in np.split(qkv, 3, axis=-1))
    if block.rotary:
        queries, keys = _turned(queries), _turned(keys)
    if block.causal:
        seen = seen & np.tril(np.ones((x.shape[1], x.shape[1]), bool))
    maps = _softmax(queries, keys, seen)
    return maps, x + _linear(weights, f"{name}.out", _merged(maps @ values))


def _look_across(
    layer: CrossAttention, weights: Weights, x: Values, memory: Values, seen: Array
) -> tuple[Values, Values]:
    """Maps (texts, heads, time, source's time), and x behind the layer."""
    normed = _norm(layer, weights, f"{layer.name}.norm", x)
    queries = _heads(_linear(weights, f"{layer.name}.query", normed), layer.heads)
    both = np.split(_linear(weights, f"{layer.name}.key_value", memory), 2, axis=-1)
    keys, values = (_heads(part, layer.heads) for part in both)
    maps = _softmax(queries, keys, seen)
    return maps, x + _linear(weights, f"{layer.name}.out", _merged(maps @ values))


def _feed_forward(block: TransformerBlock, weights: Weights, x: Values) -> Values:
    name = f"{block.name}.feedforward"
    inner = _linear(weights, f"{name}.in", _norm(block, weights, f"{name}.norm", x))
    gelu = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
    return x + _linear(weights, f"{name}.out", gelu)


def _gap(ours: Values, output: Array, valid: Array) -> float:
    apart = np.abs(np.where(valid[..., None], ours - output, 0.0)).max()
    return float(apart / np.abs(np.where(valid[..., None], output, 0.0)).max())


def _softmax(queries: Values, keys: Values, seen: Array) -> Values:
    scores = queries @ keys.swapaxes(-1, -2) / np.sqrt(queries.shape[-1])
    scores = np.where(seen, scores, -np.inf)
    maps = np.exp(scores - scores.max(-1, keepdims=True))
    found: Values = maps / maps.sum(-1, keepdims=True)
    return found


def _linear(weights: Weights, name: str, x: Values) -> Values:
    found: Values = x @ weights[f"{name}.kernel"].astype(np.float64) + weights[f"{name}.bias"]
    return found


def _norm(
    layer: TransformerBlock | CrossAttention, weights: Weights, name: str, x: Values
) -> Values:
    centred = layer.norm == "layer"
    if centred:
        x = x - x.mean(-1, keepdims=True)
    scaled = x / np.sqrt((x * x).mean(-1, keepdims=True) + layer.epsilon)
    found: Values = scaled * weights[f"{name}.scale"]
    return found + weights[f"{name}.shift"] if centred else found


def _heads(x: Values, heads: int) -> Values:
    """(texts, time, width) -> (texts, heads, time, width / heads)"""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def _merged(x: Values) -> Values:
    """The inverse."""
    x = x.swapaxes(1, 2)
    return x.reshape(*x.shape[:2], -1)


def _turned(x: Values) -> Values:
    """Rotary positions of (texts, heads, time, head_dim)."""
    half = x.shape[-1] // 2
    rates = 10000.0 ** (-np.arange(half) / half)
    angles = np.arange(x.shape[2])[:, None] * rates  # (time, half)
    first, second = x[..., :half], x[..., half:]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
