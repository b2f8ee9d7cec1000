"""Recurrent layers, unrolled over time: the loop would cost more than these small cells.

Keras's SimpleRNN, LSTM and GRU multiply the inputs of each time step inside of it, and the GRU
has a second trainable bias on r and z; here all inputs are multiplied at once.
"""

from collections.abc import Sequence

import keras
from keras import ops

from compare.spec import Recurrent

from .layers import Tensor, keras_name, product

GATES = {"elman": 1, "lstm": 4, "gru": 3}


class RecurrentLayer(keras.layers.Layer):
    """One layer of any cell, called as Keras's own: y, *state = layer(x, initial_state=state).

    The state is h, and in an LSTM h and c; each (batch, hidden).
    """

    def __init__(self, cell: str, hidden: int, name: str) -> None:
        super().__init__(name=name, autocast=False)
        self.cell, self.hidden = cell, hidden

    def build(self, shape: tuple[int | None, ...]) -> None:
        gates = GATES[self.cell] * self.hidden
        self.kernel = self.add_weight((shape[-1], gates), name="kernel")
        self.recurrent = self.add_weight((self.hidden, gates), name="recurrent")
        self.bias = self.add_weight((gates,), name="bias")
        if self.cell == "gru":
            self.recurrent_bias = self.add_weight((self.hidden,), name="recurrent_bias")

    def call(self, x: Tensor, initial_state: Sequence[Tensor]) -> list[Tensor]:
        step = {"elman": self._elman, "lstm": self._lstm, "gru": self._gru}[self.cell]
        recurrent = ops.cast(self.recurrent, self.compute_dtype)
        projected = ops.add(product(x, self.kernel, self.compute_dtype), self.bias)
        state, path = list(initial_state), []
        for x_t in ops.unstack(projected, axis=1):  # (batch, gates)
            h = ops.cast(ops.cast(state[0], self.compute_dtype) @ recurrent, x_t.dtype)
            state = step(x_t, h, state)
            path.append(state[0])
        return [ops.stack(path, axis=1), *state]

    def _elman(self, x: Tensor, h: Tensor, state: list[Tensor]) -> list[Tensor]:
        return [ops.tanh(x + h)]

    def _lstm(self, x: Tensor, h: Tensor, state: list[Tensor]) -> list[Tensor]:
        i, f, g, o = ops.split(x + h, 4, axis=-1)
        c = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
        return [ops.sigmoid(o) * ops.tanh(c), c]

    def _gru(self, x: Tensor, h: Tensor, state: list[Tensor]) -> list[Tensor]:
        width = self.hidden
        rz = ops.sigmoid(x[:, : 2 * width] + h[:, : 2 * width])
        r, z = rz[:, :width], rz[:, width:]
        n = ops.tanh(x[:, 2 * width :] + r * ops.add(h[:, 2 * width :], self.recurrent_bias))
        return [(1 - z) * n + z * state[0]]


class RecurrentStack(keras.layers.Layer):
    """Layers one on the other; the state is the list of all of theirs."""

    def __init__(self, spec: Recurrent, cudnn: bool) -> None:
        super().__init__(name=keras_name(spec.name), autocast=False)
        self.spec = spec
        self.stack = [self._layer(str(index), cudnn) for index in range(spec.layers)]

    def _layer(self, name: str, cudnn: bool) -> keras.layers.Layer:
        if cudnn and self.spec.cell == "lstm":
            # Keras hands this one to cuDNN, and its gates and its one bias are these.
            return keras.layers.LSTM(
                self.spec.hidden, return_sequences=True, return_state=True, name=name
            )
        return RecurrentLayer(self.spec.cell, self.spec.hidden, name)

    def build(self, shape: tuple[int | None, ...]) -> None:
        for layer in self.stack:
            layer.build(shape)
            shape = (*shape[:-1], self.spec.hidden)

    def zero_state(self, rows: int, dtype: str) -> list[Tensor]:
        arrays = self.spec.layers * (2 if self.spec.cell == "lstm" else 1)
        return [ops.zeros((rows, self.spec.hidden), dtype) for _ in range(arrays)]

    def call(
        self, x: Tensor, initial_state: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        before, after = initial_state or self.zero_state(x.shape[0], x.dtype), []
        each = len(before) // self.spec.layers
        for index, layer in enumerate(self.stack):
            x, *state = layer(x, initial_state=before[each * index : each * (index + 1)])
            after += state
        return x, after
