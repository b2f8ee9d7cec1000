"""Recurrent layers.

From ops: BlockLSTM and GRUBlockCell are float32 only and unknown to XLA, CudnnRNN is for GPUs
only.
"""

import tensorflow as tf

from compare.spec import Recurrent

from .layers import Context, DenseLayer, Variables

State = tuple[tf.Tensor, ...]
"""What one layer carries, each (batch, hidden), h first."""


class RecurrentLayer(tf.Module):
    """One layer of any cell; `step` is one time step, its input already projected."""

    states = 1

    def __init__(self, variables: Variables, name: str, unroll: bool) -> None:
        super().__init__()
        self.unroll = unroll
        self.project = DenseLayer(variables, name)
        self.recurrent = variables[f"{name}.recurrent"]

    def zero_state(self, batch: int) -> State:
        shape = (batch, self.recurrent.shape[0])
        return tuple(tf.zeros(shape, self.recurrent.dtype) for _ in range(self.states))

    def __call__(self, x: tf.Tensor, state: State, context: Context) -> tuple[tf.Tensor, State]:
        projected = self.project(x, context)  # all time steps at once: (batch, time, gates)
        if not self.unroll:
            return self._looped(projected, state, context)
        path = []
        for step in tf.unstack(projected, axis=1):  # in the graph, at each size that is traced
            state = self.step(step, state, context)
            path.append(state[0])
        return tf.stack(path, axis=1), state

    def _looped(
        self, projected: tf.Tensor, state: State, context: Context
    ) -> tuple[tf.Tensor, State]:
        steps = tf.transpose(projected, (1, 0, 2))  # (time, batch, gates)
        path = tf.scan(lambda state, step: self.step(step, state, context), steps, state)
        return tf.transpose(path[0], (1, 0, 2)), tuple(part[-1] for part in path)

    def step(self, projected: tf.Tensor, state: State, context: Context) -> State:
        raise NotImplementedError


class ElmanLayer(RecurrentLayer):
    def step(self, projected: tf.Tensor, state: State, context: Context) -> State:
        (h,) = state
        return (tf.tanh(projected + context.matmul(h, self.recurrent)),)


class LstmLayer(RecurrentLayer):
    states = 2  # h and the cell's c

    def step(self, projected: tf.Tensor, state: State, context: Context) -> State:
        h, c = state
        gates = projected + context.matmul(h, self.recurrent)
        i, f, g, o = tf.split(gates, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c


class GruLayer(RecurrentLayer):
    def __init__(self, variables: Variables, name: str, unroll: bool) -> None:
        super().__init__(variables, name, unroll)
        self.recurrent_bias = variables[f"{name}.recurrent_bias"]

    def step(self, projected: tf.Tensor, state: State, context: Context) -> State:
        (h,) = state
        hidden = h.shape[-1]
        # r and z are worked off as one, (batch, 2 hidden).
        x_gates, x_new = tf.split(projected, (2 * hidden, hidden), axis=-1)
        product = context.matmul(h, self.recurrent)
        h_gates, h_new = tf.split(product, (2 * hidden, hidden), axis=-1)
        r, z = tf.split(tf.sigmoid(x_gates + h_gates), 2, axis=-1)
        n = tf.tanh(x_new + r * (h_new + self.recurrent_bias))
        return (n + z * (h - n),)


CELLS: dict[str, type[RecurrentLayer]] = {"elman": ElmanLayer, "lstm": LstmLayer, "gru": GruLayer}


class RecurrentStack(tf.Module):
    """The layers of a recurrent spec; their states in a tuple."""

    def __init__(self, spec: Recurrent, variables: Variables, xla: bool) -> None:
        super().__init__()
        self.label, self.carries = spec.name, spec.carry_state
        # Unrolled is fastest but for XLA: there gated cells run as fast in a loop, and unrolled
        # they would compile for a minute.
        unroll, cell = not xla or spec.cell == "elman", CELLS[spec.cell]
        self.layers = [
            cell(variables, f"{spec.name}.{index}", unroll) for index in range(spec.layers)
        ]

    def zero_states(self, batch: int) -> tuple[State, ...]:
        return tuple(layer.zero_state(batch) for layer in self.layers)

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        states, ends = context.states.get(self.label, self.zero_states(x.shape[0])), []
        for layer, state in zip(self.layers, states, strict=True):
            x, state = layer(x, state, context)
            ends.append(state)
        context.ends[self.label] = tuple(ends)
        return x
