"""The layer vocabulary as flax nnx modules, and the model that chains them.

Each layer is called as `layer(x, state)` and returns `(y, new state)`; only recurrent layers
have a state. `canonical()` gives each module's variables by canonical parameter name.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from compare.contracts import Unsupported
from compare.spec import Dense, Embedding, ModelSpec, Recurrent

State = Array | None
Canonical = dict[str, nnx.Param[Array]]
_UNROLL = 35  # steps per turn of a scan: its loop costs more than a small cell on a CPU


class EmbeddingLayer(nnx.Module):
    def __init__(self, spec: Embedding, dtype: DTypeLike, rngs: nnx.Rngs) -> None:
        self.name = spec.name
        self.embed = nnx.Embed(spec.vocab, spec.dim, param_dtype=dtype, rngs=rngs)

    def __call__(self, x: Array, state: State) -> tuple[Array, State]:
        return self.embed(x), state  # (batch, time) -> (batch, time, dim)

    def canonical(self) -> Canonical:
        return {f"{self.name}.table": self.embed.embedding}


class DenseLayer(nnx.Module):
    def __init__(self, spec: Dense, dtype: DTypeLike, rngs: nnx.Rngs) -> None:
        self.name = spec.name
        self.linear = nnx.Linear(spec.inputs, spec.outputs, param_dtype=dtype, rngs=rngs)

    def __call__(self, x: Array, state: State) -> tuple[Array, State]:
        # One flat product: XLA on a CPU runs a rank-3 one at four fifths of the speed.
        flat = self.linear(x.reshape(-1, x.shape[-1]))
        return flat.reshape(*x.shape[:-1], -1), state

    def canonical(self) -> Canonical:
        assert self.linear.bias is not None
        return {f"{self.name}.kernel": self.linear.kernel, f"{self.name}.bias": self.linear.bias}


class ElmanLayer(nnx.Module):
    """Stacked Elman layers; nnx.RNN would multiply the input inside its loop, step by step."""

    def __init__(self, spec: Recurrent, dtype: DTypeLike, rngs: nnx.Rngs) -> None:
        self.name, self.hidden = spec.name, spec.hidden
        widths = [spec.inputs] + [spec.hidden] * (spec.layers - 1)
        self.inputs = nnx.List(
            nnx.Linear(width, spec.hidden, param_dtype=dtype, rngs=rngs) for width in widths
        )
        self.recurrents = nnx.List(
            nnx.Linear(spec.hidden, spec.hidden, use_bias=False, param_dtype=dtype, rngs=rngs)
            for _ in widths
        )

    def __call__(self, x: Array, state: State) -> tuple[Array, State]:
        if state is None:
            state = jnp.zeros((len(self.inputs), x.shape[0], self.hidden), x.dtype)
        last = []
        for index, (inputs, recurrent) in enumerate(zip(self.inputs, self.recurrents, strict=True)):

            def cell(
                h: Array, step: Array, recurrent: nnx.Linear = recurrent
            ) -> tuple[Array, Array]:
                h = jnp.tanh(step + recurrent(h))
                return h, h

            projected = inputs(x).swapaxes(0, 1)  # all steps at once: (time, batch, hidden)
            end, path = jax.lax.scan(cell, state[index], projected, unroll=_UNROLL)
            x = path.swapaxes(0, 1)
            last.append(end)
        return x, jnp.stack(last)

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for index, (inputs, recurrent) in enumerate(zip(self.inputs, self.recurrents, strict=True)):
            assert inputs.bias is not None
            found[f"{self.name}.{index}.kernel"] = inputs.kernel
            found[f"{self.name}.{index}.recurrent"] = recurrent.kernel
            found[f"{self.name}.{index}.bias"] = inputs.bias
        return found


class Model(nnx.Module):
    """The layers of a ModelSpec one after the other; states in a list, one per layer."""

    def __init__(self, spec: ModelSpec, dtype: DTypeLike) -> None:
        rngs = nnx.Rngs(0)  # modules draw weights when they are made; `load` replaces them
        self.layers = nnx.List(_layer(layer, dtype, rngs) for layer in spec.layers)

    def __call__(self, x: Array, states: list[State]) -> tuple[Array, list[State]]:
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            x, state = layer(x, state)
            after.append(state)
        return x, after

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for layer in self.layers:
            found.update(layer.canonical())
        return found


def _layer(spec: object, dtype: DTypeLike, rngs: nnx.Rngs) -> nnx.Module:
    match spec:
        case Embedding():
            return EmbeddingLayer(spec, dtype, rngs)
        case Dense():
            return DenseLayer(spec, dtype, rngs)
        case Recurrent(cell="elman"):
            return ElmanLayer(spec, dtype, rngs)
    raise Unsupported(f"layer {spec!r}")
