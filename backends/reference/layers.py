"""Layers with their derivatives, in float64.

`forward(weights, x, state)` returns the output, the new state and what `backward` needs;
`backward(weights, kept, dy)` returns the gradient of the input and of each parameter. No
gradient flows into the state that a batch started from: it belongs to the batch before.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compare.contracts import Unsupported
from compare.spec import Dense, Embedding, Recurrent

Array = NDArray[Any]
State = list[Array] | None
Gradients = dict[str, Array]


class Layer(Protocol):
    def forward(self, weights: Gradients, x: Array, state: State) -> tuple[Array, State, Any]: ...

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]: ...


class EmbeddingLayer:
    def __init__(self, spec: Embedding) -> None:
        self.table = f"{spec.name}.table"

    def forward(self, weights: Gradients, x: Array, state: State) -> tuple[Array, State, Any]:
        return weights[self.table][x], state, x  # (batch, time) -> (batch, time, dim)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        gradient = np.zeros_like(weights[self.table])
        np.add.at(gradient, kept, dy)  # a token that occurs twice adds twice
        return np.zeros(kept.shape), {self.table: gradient}


class DenseLayer:
    def __init__(self, spec: Dense) -> None:
        self.kernel, self.bias = f"{spec.name}.kernel", f"{spec.name}.bias"

    def forward(self, weights: Gradients, x: Array, state: State) -> tuple[Array, State, Any]:
        return x @ weights[self.kernel] + weights[self.bias], state, x

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        flat_x, flat_dy = _flat(kept), _flat(dy)
        gradients = {self.kernel: flat_x.T @ flat_dy, self.bias: flat_dy.sum(0)}
        return dy @ weights[self.kernel].T, gradients


class ElmanLayer:
    """One layer of h_t = tanh(x_t @ kernel + h_{t-1} @ recurrent + bias)."""

    def __init__(self, name: str, hidden: int) -> None:
        self.kernel, self.recurrent, self.bias = (
            f"{name}.{part}" for part in ("kernel", "recurrent", "bias")
        )
        self.hidden = hidden

    def forward(self, weights: Gradients, x: Array, h: Array) -> tuple[Array, Array, Any]:
        states = [h]
        for t in range(x.shape[1]):
            pre = x[:, t] @ weights[self.kernel] + states[-1] @ weights[self.recurrent]
            states.append(np.tanh(pre + weights[self.bias]))
        path = np.stack(states, 1)  # (batch, 1 + time, hidden), the start first
        return path[:, 1:], path[:, -1], (x, path)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        x, path = kept
        later = np.zeros((x.shape[0], self.hidden))  # dL/dh_t through h_{t+1}
        dpre = np.empty_like(dy)
        for t in reversed(range(x.shape[1])):
            dpre[:, t] = (dy[:, t] + later) * (1.0 - path[:, t + 1] ** 2)
            later = dpre[:, t] @ weights[self.recurrent].T
        gradients = {
            self.kernel: _flat(x).T @ _flat(dpre),
            self.recurrent: _flat(path[:, :-1]).T @ _flat(dpre),
            self.bias: _flat(dpre).sum(0),
        }
        return dpre @ weights[self.kernel].T, gradients


class RecurrentStack:
    def __init__(self, spec: Recurrent) -> None:
        self.layers = [ElmanLayer(f"{spec.name}.{i}", spec.hidden) for i in range(spec.layers)]
        self.hidden = spec.hidden

    def forward(self, weights: Gradients, x: Array, state: State) -> tuple[Array, State, Any]:
        if state is None:
            state = [np.zeros((x.shape[0], self.hidden)) for _ in self.layers]
        last, kept = [], []
        for layer, start in zip(self.layers, state, strict=True):
            x, end, keep = layer.forward(weights, x, start)
            last.append(end)
            kept.append(keep)
        return x, last, kept

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        gradients: Gradients = {}
        for layer, keep in zip(reversed(self.layers), reversed(kept), strict=True):
            dy, found = layer.backward(weights, keep, dy)
            gradients |= found
        return dy, gradients


def layer_of(spec: object) -> Layer:
    """The layer that a spec describes; raises Unsupported for one that is not here."""
    match spec:
        case Embedding():
            return EmbeddingLayer(spec)
        case Dense():
            return DenseLayer(spec)
        case Recurrent(cell="elman"):
            return RecurrentStack(spec)
    raise Unsupported(f"layer {spec!r}")


def _flat(x: Array) -> Array:
    """(batch, time, width) -> (batch * time, width)"""
    return x.reshape(-1, x.shape[-1])
