"""Recurrent layers: the input's product for all time steps at once, then a scan over time.

flax's nnx.RNN would multiply the input inside its loop, step by step.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from compare.spec import Recurrent

from .layers import DenseLayer, named
from .numerics import Numerics

CellState = tuple[Array, ...]
"""(batch, hidden) each, h first."""
State = tuple[CellState, ...]
"""That of each layer of a stack."""


class Cell(nnx.Module):
    """One layer. A kind of cell gives `step`, from the projected input of one time step and the
    old state to the new one."""

    gates = 1
    states = 1
    unroll = 1  # steps per turn of the scan

    def __init__(
        self, name: str, inputs: int, hidden: int, numerics: Numerics, rngs: nnx.Rngs
    ) -> None:
        self.hidden, self.dtype = hidden, numerics.dtype
        self.inputs = DenseLayer(name, inputs, self.gates * hidden, numerics, rngs)
        self.recurrent = nnx.Linear(
            hidden,
            self.gates * hidden,
            use_bias=False,
            param_dtype=numerics.dtype,
            dot_general=numerics.dot_general,
            kernel_metadata=named(f"{name}.recurrent"),
            rngs=rngs,
        )

    def step(self, x: Array, state: CellState) -> CellState:
        raise NotImplementedError

    def zeros(self, rows: int) -> CellState:
        return tuple(jnp.zeros((rows, self.hidden), self.dtype) for _ in range(self.states))

    def __call__(self, x: Array, state: CellState) -> tuple[Array, CellState]:
        """x (time, batch, inputs) -> (time, batch, hidden), the last state"""

        def step(state: CellState, x: Array) -> tuple[CellState, Array]:
            state = self.step(x, state)
            return state, state[0]

        end, path = jax.lax.scan(step, state, self.inputs(x), unroll=self.unroll)
        return path, end


class ElmanCell(Cell):
    unroll = 35  # on a CPU the loop itself costs more than a small cell

    def step(self, x: Array, state: CellState) -> CellState:
        (h,) = state
        return (jnp.tanh(x + self.recurrent(h)),)


class LstmCell(Cell):
    gates = 4
    states = 2

    def step(self, x: Array, state: CellState) -> CellState:
        h, c = state
        i, f, g, o = jnp.split(x + self.recurrent(h), 4, axis=-1)
        c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
        return nnx.sigmoid(o) * jnp.tanh(c), c


class GruCell(Cell):
    gates = 3

    def __init__(
        self, name: str, inputs: int, hidden: int, numerics: Numerics, rngs: nnx.Rngs
    ) -> None:
        super().__init__(name, inputs, hidden, numerics, rngs)
        zeros = jnp.zeros((hidden,), numerics.dtype)
        self.recurrent_bias = nnx.Param(zeros, **named(f"{name}.recurrent_bias"))

    def step(self, x: Array, state: CellState) -> CellState:
        (h,) = state
        xr, xz, xn = jnp.split(x, 3, axis=-1)
        hr, hz, hn = jnp.split(self.recurrent(h), 3, axis=-1)
        r, z = nnx.sigmoid(xr + hr), nnx.sigmoid(xz + hz)
        n = jnp.tanh(xn + r * (hn + self.recurrent_bias[...]))
        return ((1 - z) * n + z * h,)


CELLS: dict[str, type[Cell]] = {"elman": ElmanCell, "lstm": LstmCell, "gru": GruCell}


class RecurrentLayer(nnx.Module):
    """Stacked cells; the only layer that is called with a state."""

    def __init__(self, spec: Recurrent, numerics: Numerics, rngs: nnx.Rngs) -> None:
        self.name, self.carries = spec.name, spec.carry_state
        widths = [spec.inputs] + [spec.hidden] * (spec.layers - 1)
        self.cells = nnx.List(
            CELLS[spec.cell](f"{spec.name}.{index}", width, spec.hidden, numerics, rngs)
            for index, width in enumerate(widths)
        )

    def zeros(self, rows: int) -> State:
        return tuple(cell.zeros(rows) for cell in self.cells)

    def __call__(self, x: Array, state: State | None) -> tuple[Array, State]:
        starts, after = state or self.zeros(x.shape[0]), []
        x = x.swapaxes(0, 1)  # time first for the whole stack: its gates are wider than its input
        for cell, start in zip(self.cells, starts, strict=True):
            x, end = cell(x, start)
            after.append(end)
        return x.swapaxes(0, 1), tuple(after)
