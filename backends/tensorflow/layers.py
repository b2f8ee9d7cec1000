"""The layer vocabulary as tf.Modules, and the model that chains them.

Each layer is called as `layer(x, state)` and returns `(y, new state)`; only recurrent layers
have a state. `canonical()` gives each module's variables by canonical parameter name.
"""

from typing import Any

import tensorflow as tf

from compare.contracts import Unsupported
from compare.spec import Dense, Embedding, ModelSpec, Recurrent

State = Any  # a tf.Tensor, or None for a layer without one
Canonical = dict[str, tf.Variable]


class Layer(tf.Module):
    """A module whose variables carry their canonical names."""

    def __init__(self, spec: Embedding | Recurrent | Dense, dtype: tf.DType) -> None:
        super().__init__()
        self.variables_by_name = {
            name: tf.Variable(tf.zeros(parameter.shape, dtype))
            for name, parameter in spec.parameters().items()
        }
        self.label = spec.name

    def zero_state(self, batch: int) -> State:
        """The state that a text starts from; None for a layer that has none."""
        return None

    def __getitem__(self, part: str) -> tf.Variable:
        return self.variables_by_name[f"{self.label}.{part}"]


class EmbeddingLayer(Layer):
    def __call__(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        return tf.nn.embedding_lookup(self["table"], x), state  # -> (batch, time, dim)


class DenseLayer(Layer):
    def __call__(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        return _dense(x, self["kernel"], self["bias"]), state


class ElmanLayer(Layer):
    def __init__(self, spec: Recurrent, dtype: tf.DType) -> None:
        super().__init__(spec, dtype)
        self.layers, self.hidden, self.dtype = spec.layers, spec.hidden, dtype

    def zero_state(self, batch: int) -> State:
        return tf.zeros((self.layers, batch, self.hidden), self.dtype)

    def __call__(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        assert state is not None
        last = []
        for index in range(self.layers):
            # All time steps at once: (batch, time, hidden).
            projected = _dense(x, self[f"{index}.kernel"], self[f"{index}.bias"])
            recurrent, h, path = self[f"{index}.recurrent"], state[index], []
            for step in tf.unstack(projected, axis=1):  # unrolled in the graph: shapes are fixed
                h = tf.tanh(step + h @ recurrent)
                path.append(h)
            x = tf.stack(path, axis=1)
            last.append(h)
        return x, tf.stack(last)


class Model(tf.Module):
    """The layers of a ModelSpec one after the other; states in a list, one per layer."""

    def __init__(self, spec: ModelSpec, dtype: tf.DType) -> None:
        super().__init__()
        self.layers = [_layer(layer, dtype) for layer in spec.layers]

    def __call__(self, x: tf.Tensor, states: list[State]) -> tuple[tf.Tensor, list[State]]:
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            x, state = layer(x, state)
            after.append(state)
        return x, after

    def zero_states(self, batch: int) -> list[State]:
        return [layer.zero_state(batch) for layer in self.layers]

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for layer in self.layers:
            found.update(layer.variables_by_name)
        return found


def _layer(spec: Any, dtype: tf.DType) -> Layer:
    match spec:
        case Embedding():
            return EmbeddingLayer(spec, dtype)
        case Dense():
            return DenseLayer(spec, dtype)
        case Recurrent(cell="elman"):
            return ElmanLayer(spec, dtype)
    raise Unsupported(f"layer {spec!r}")


def _dense(x: tf.Tensor, kernel: tf.Variable, bias: tf.Variable) -> tf.Tensor:
    # One flat product: matmul of a rank-3 tensor would run as a batch of small ones.
    flat = tf.reshape(x, (-1, x.shape[-1])) @ kernel + bias
    return tf.reshape(flat, (*x.shape[:-1], kernel.shape[-1]))
