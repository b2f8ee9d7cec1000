"""Layers with their derivatives, in float64.

`forward(weights, x, state, context)` returns the output, the new state and what `backward`
needs; `backward(weights, kept, dy)` returns the gradient of the input and of each parameter. No
gradient flows into the state that a batch started from: it belongs to the batch before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compare.contracts import Batch
from compare.spec import (
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Pool,
    PositionalEmbedding,
    RMSNorm,
    TiedHead,
    field_of,
)

Array = NDArray[Any]
State = Any
"""What a recurrent layer carries: arrays in a list; None for zeros, or where there is no state."""
Gradients = dict[str, Array]


@dataclass
class Memory:
    """The encoder's output (batch, time, width) and, after the backward pass of the decoder,
    its gradient, to which every cross-attention has added."""

    value: Array
    mask: Array | None
    gradient: Array


@dataclass(frozen=True)
class Context:
    """What a layer may look at besides its input: the batch, the mask of the valid positions of
    its side (batch, time), and the encoder's output."""

    batch: Batch
    mask: Array | None = None
    memory: Memory | None = None


class Layer(Protocol):
    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]: ...

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]: ...


class Chain:
    """Layers one after the other; its state is the list of theirs."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        after, kept = [], []
        for layer, start in zip(self.layers, state or [None] * len(self.layers), strict=True):
            x, end, keep = layer.forward(weights, x, start, context)
            if isinstance(layer, PoolLayer):
                context = replace(context, mask=None)  # one valid position is left
            after.append(end)
            kept.append(keep)
        return x, after, kept

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        gradients: Gradients = {}
        for layer, keep in zip(reversed(self.layers), reversed(kept), strict=True):
            dy, found = layer.backward(weights, keep, dy)
            add_to(gradients, found)
        return dy, gradients


class EmbeddingLayer:
    def __init__(self, spec: Embedding) -> None:
        self.table = f"{spec.name}.table"

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        return weights[self.table][x], state, x  # (batch, time) -> (batch, time, dim)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        gradient = np.zeros_like(weights[self.table])
        np.add.at(gradient, kept, dy)  # a token that occurs twice adds twice
        return np.zeros(kept.shape), {self.table: gradient}


class PositionalLayer:
    def __init__(self, spec: PositionalEmbedding) -> None:
        self.table = f"{spec.name}.table"

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        return x + weights[self.table][: x.shape[1]], state, None

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        gradient = np.zeros_like(weights[self.table])
        gradient[: dy.shape[1]] = dy.sum(0)
        return dy, {self.table: gradient}


class TiedHeadLayer:
    def __init__(self, spec: TiedHead) -> None:
        self.table = spec.table

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        return x @ weights[self.table].T, state, x

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        return dy @ weights[self.table], {self.table: flat(dy).T @ flat(kept)}


class DenseLayer:
    def __init__(self, name: str) -> None:
        self.kernel, self.bias = f"{name}.kernel", f"{name}.bias"

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        return x @ weights[self.kernel] + weights[self.bias], state, x

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        flat_x, flat_dy = flat(kept), flat(dy)
        gradients = {self.kernel: flat_x.T @ flat_dy, self.bias: flat_dy.sum(0)}
        return dy @ weights[self.kernel].T, gradients


class NormLayer:
    """Layer norm, or with `centred=False` RMS norm, which has neither mean nor shift."""

    def __init__(self, name: str, epsilon: float, centred: bool) -> None:
        self.scale, self.shift = f"{name}.scale", f"{name}.shift"
        self.epsilon, self.centred = epsilon, centred

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        if self.centred:
            x = x - x.mean(-1, keepdims=True)
        inverse = 1.0 / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon)
        normal = x * inverse
        y = normal * weights[self.scale]
        return y + weights[self.shift] if self.centred else y, state, (normal, inverse)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        normal, inverse = kept
        d = dy * weights[self.scale]
        dx = d - normal * (d * normal).mean(-1, keepdims=True)
        gradients = {self.scale: flat(dy * normal).sum(0)}
        if self.centred:
            dx -= d.mean(-1, keepdims=True)
            gradients[self.shift] = flat(dy).sum(0)
        return inverse * dx, gradients


class DropoutLayer:
    """Drops what the batch's mask of this name says; nothing where the batch has none."""

    def __init__(self, name: str, rate: float) -> None:
        self.field, self.rate = field_of(name), rate

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        mask = context.batch.get(self.field)
        factor = np.float64(1.0) if mask is None else mask / (1.0 - self.rate)
        return x * factor, state, factor

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        return dy * kept, {}


class PoolLayer:
    """(batch, time, width) -> (batch, 1, width), as a weighted sum over time."""

    def __init__(self, spec: Pool) -> None:
        self.how = spec.how

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        valid = np.ones(x.shape[:2], bool) if context.mask is None else context.mask
        picked = self._weights(x, valid[..., None])
        return (x * picked).sum(1, keepdims=True), state, picked

    def _weights(self, x: Array, valid: Array) -> Array:
        """What each value counts, broadcasting to (batch, time, width)."""
        count = valid.sum(1, keepdims=True)
        if self.how == "mean":
            return np.asarray(valid / count)
        positions = np.arange(x.shape[1])[:, None]
        if self.how == "last":
            return np.asarray(positions == count - 1)
        best = np.where(valid, x, -np.inf).argmax(1)[:, None]  # (batch, 1, width)
        return np.asarray(positions == best)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        return dy * kept, {}


def plain_layer_of(spec: object) -> Layer | None:
    """The layer that a spec describes, if it is one of this module's."""
    match spec:
        case Embedding():
            return EmbeddingLayer(spec)
        case PositionalEmbedding():
            return PositionalLayer(spec)
        case TiedHead():
            return TiedHeadLayer(spec)
        case Dense():
            return DenseLayer(spec.name)
        case LayerNorm():
            return NormLayer(spec.name, spec.epsilon, centred=True)
        case RMSNorm():
            return NormLayer(spec.name, spec.epsilon, centred=False)
        case Dropout():
            return DropoutLayer(spec.name, spec.rate)
        case Pool():
            return PoolLayer(spec)
    return None


def flat(x: Array) -> Array:
    """(batch, time, width) -> (batch * time, width)"""
    return x.reshape(-1, x.shape[-1])


def add_to(gradients: Gradients, more: Mapping[str, Array]) -> None:
    """Add gradients to those that are there: a parameter may be used in two places."""
    for name, value in more.items():
        gradients[name] = gradients[name] + value if name in gradients else value
