"""Recurrent layers, one time step after the other, and back again."""

from typing import Any

import numpy as np

from compare.spec import Recurrent

from .layers import Array, Chain, Context, Gradients, State, flat


class RecurrentLayer:
    """One layer of any cell. The state is a tuple of arrays (batch, hidden), h first.

    A cell gives `step(weights, projected, state)`, one step's new state and what its derivative
    needs, and `step_back(weights, kept, dstate)`, the gradients of the projected input and of
    the old state, and adds to those of its own parameters in `self.gradients`.
    """

    states = 1

    def __init__(self, name: str, hidden: int) -> None:
        self.kernel, self.recurrent, self.bias, self.recurrent_bias = (
            f"{name}.{part}" for part in ("kernel", "recurrent", "bias", "recurrent_bias")
        )
        self.hidden = hidden
        self.gradients: Gradients = {}

    def step(self, weights: Gradients, projected: Array, state: State) -> tuple[State, Any]:
        raise NotImplementedError

    def step_back(self, weights: Gradients, kept: Any, dstate: State) -> tuple[Array, State]:
        raise NotImplementedError

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        if state is None:
            state = tuple(np.zeros((x.shape[0], self.hidden)) for _ in range(self.states))
        projected = x @ weights[self.kernel] + weights[self.bias]  # (batch, time, gates)
        path, kept = [], []
        for t in range(x.shape[1]):
            state, keep = self.step(weights, projected[:, t], state)
            path.append(state[0])
            kept.append(keep)
        return np.stack(path, 1), state, (x, kept)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        x, steps = kept
        self.gradients = {self.recurrent: np.zeros_like(weights[self.recurrent])}
        dstate = tuple(np.zeros((x.shape[0], self.hidden)) for _ in range(self.states))
        dprojected = np.empty((*x.shape[:2], weights[self.kernel].shape[1]))
        for t in reversed(range(x.shape[1])):
            dstate = (dstate[0] + dy[:, t], *dstate[1:])
            dprojected[:, t], dstate = self.step_back(weights, steps[t], dstate)
        self.gradients[self.kernel] = flat(x).T @ flat(dprojected)
        self.gradients[self.bias] = flat(dprojected).sum(0)
        return dprojected @ weights[self.kernel].T, self.gradients


class ElmanLayer(RecurrentLayer):
    def step(self, weights: Gradients, projected: Array, state: State) -> tuple[State, Any]:
        (h,) = state
        after = np.tanh(projected + h @ weights[self.recurrent])
        return (after,), (h, after)

    def step_back(self, weights: Gradients, kept: Any, dstate: State) -> tuple[Array, State]:
        h, after = kept
        dpre = dstate[0] * (1.0 - after**2)
        self.gradients[self.recurrent] += h.T @ dpre
        return dpre, (dpre @ weights[self.recurrent].T,)


class LstmLayer(RecurrentLayer):
    states = 2  # h and the cell's c

    def step(self, weights: Gradients, projected: Array, state: State) -> tuple[State, Any]:
        h, c = state
        gates = np.split(projected + h @ weights[self.recurrent], 4, axis=-1)
        i, f, o = (sigmoid(gates[index]) for index in (0, 1, 3))
        g = np.tanh(gates[2])
        after = f * c + i * g
        squashed = np.tanh(after)
        return (o * squashed, after), (h, c, i, f, g, o, squashed)

    def step_back(self, weights: Gradients, kept: Any, dstate: State) -> tuple[Array, State]:
        h, c, i, f, g, o, squashed = kept
        dh, dc = dstate
        dc = dc + dh * o * (1.0 - squashed**2)
        di, df, dg, do = dc * g, dc * c, dc * i, dh * squashed
        dpre = np.concatenate(
            [di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)], axis=-1
        )
        self.gradients[self.recurrent] += h.T @ dpre
        return dpre, (dpre @ weights[self.recurrent].T, dc * f)


class GruLayer(RecurrentLayer):
    def step(self, weights: Gradients, projected: Array, state: State) -> tuple[State, Any]:
        (h,) = state
        xr, xz, xn = np.split(projected, 3, axis=-1)
        hr, hz, hn = np.split(h @ weights[self.recurrent], 3, axis=-1)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        inner = hn + weights[self.recurrent_bias]  # reset after the product, so inside its gate
        n = np.tanh(xn + r * inner)
        return ((1 - z) * n + z * h,), (h, r, z, n, inner)

    def step_back(self, weights: Gradients, kept: Any, dstate: State) -> tuple[Array, State]:
        h, r, z, n, inner = kept
        (dh,) = dstate
        dn = dh * (1 - z) * (1 - n**2)
        dz = dh * (h - n) * z * (1 - z)
        dr = dn * inner * r * (1 - r)
        dproduct = np.concatenate([dr, dz, dn * r], axis=-1)  # of h @ recurrent
        self.gradients[self.recurrent] += h.T @ dproduct
        before = self.gradients.get(self.recurrent_bias, 0.0)
        self.gradients[self.recurrent_bias] = before + (dn * r).sum(0)
        dpre = np.concatenate([dr, dz, dn], axis=-1)
        return dpre, (dproduct @ weights[self.recurrent].T + dh * z,)


CELLS: dict[str, type[RecurrentLayer]] = {"elman": ElmanLayer, "lstm": LstmLayer, "gru": GruLayer}


def recurrent_stack(spec: Recurrent) -> Chain:
    """The layers of a recurrent spec, each with a state of its own."""
    cell = CELLS[spec.cell]
    return Chain([cell(f"{spec.name}.{index}", spec.hidden) for index in range(spec.layers)])


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow."""
    half: Array = 0.5 * (1.0 + np.tanh(0.5 * x))
    return half
