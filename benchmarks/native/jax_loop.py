"""The plain JAX loop: pure functions of a dict, one jitted step of donated buffers, and optax."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from plain import Plain, architecture

from compare.contracts import Array, Batch, Batches, Weights
from compare.spec import Experiment, OptimizerSpec, TransformerBlock

LIBRARIES = ("jax", "optax")

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_default_matmul_precision", "highest")

Params = dict[str, jax.Array]
"""By canonical name."""
State = tuple[tuple[jax.Array, ...], ...]
"""Of each recurrent layer, (batch, hidden) each, h first."""


def linear(params: Params, name: str, x: jax.Array) -> jax.Array:
    """One flat product: XLA's CPU backend runs rank-3 ones slower."""
    y = x.reshape(-1, x.shape[-1]) @ params[f"{name}.kernel"] + params[f"{name}.bias"]
    return y.reshape(*x.shape[:-1], -1)


def elman(recurrent: jax.Array, state: Any, x: jax.Array) -> Any:
    (h,) = state
    h = jnp.tanh(x + h @ recurrent)
    return (h,), h


def lstm(recurrent: jax.Array, state: Any, x: jax.Array) -> Any:
    h, c = state
    i, f, g, o = jnp.split(x + h @ recurrent, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def rnn(cell: Any, unroll: int | bool, params: Params, state: State, x: Any) -> Any:
    """Of ids (batch, time): logits (batch * time, vocab), and the states to carry on."""
    y, after = params["embedding.table"][x.T], []  # (time, batch, dim)
    for index, start in enumerate(state):
        step = partial(cell, params[f"rnn.{index}.recurrent"])
        end, y = jax.lax.scan(step, start, linear(params, f"rnn.{index}", y), unroll=unroll)
        after.append(end)
    flat = y.swapaxes(0, 1).reshape(-1, y.shape[-1])
    return linear(params, "head", flat), tuple(after)


def norm(params: Params, name: str, epsilon: float, x: jax.Array) -> jax.Array:
    x = x - x.mean(-1, keepdims=True)
    x = x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + epsilon)
    return x * params[f"{name}.scale"] + params[f"{name}.shift"]


def block(spec: TransformerBlock, params: Params, x: jax.Array) -> jax.Array:
    name = f"{spec.name}.attention"
    qkv = linear(params, f"{name}.qkv", norm(params, f"{name}.norm", spec.epsilon, x))
    heads = (*x.shape[:2], spec.heads, -1)
    q, k, v = (part.reshape(heads) for part in jnp.split(qkv, 3, axis=-1))
    y = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    x = x + linear(params, f"{name}.out", y.reshape(x.shape))
    name = f"{spec.name}.feedforward"
    y = linear(params, f"{name}.in", norm(params, f"{name}.norm", spec.epsilon, x))
    return x + linear(params, f"{name}.out", jax.nn.gelu(y, approximate=True))


def gpt(layers: Any, params: Params, state: State, x: Any) -> Any:
    _, _, *blocks, last, _ = layers
    y = params["embedding.table"][x] + params["positions.table"][: x.shape[1]]
    for spec in blocks:
        y = block(spec, params, y)
    flat = norm(params, last.name, last.epsilon, y).reshape(-1, y.shape[-1])
    return flat @ params["embedding.table"].T, state


class Loop(Plain):
    def __init__(self, experiment: Experiment) -> None:
        self.kind, self.rows = architecture(experiment), experiment.train.batch
        self.layers: Any = experiment.model.layers
        forward: Any = {
            "elman": partial(rnn, elman, True),  # a turn of the loop costs more than such a cell
            "lstm": partial(rnn, lstm, 1),
            "gpt": partial(gpt, self.layers),
        }[self.kind]
        self.optimizer = _optimizer(experiment.optimizer)

        def loss_of(params: Params, state: State, x: Any, y: Any) -> Any:
            logits, state = forward(params, state, x)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, y.reshape(-1))
            return losses.mean(), state

        def step(params: Params, moments: Any, state: State, x: Any, y: Any, rate: Any) -> Any:
            differentiate = jax.value_and_grad(loss_of, has_aux=True)
            (loss, state), gradients = differentiate(params, state, x, y)
            updates, moments = self.optimizer.update(self.averaged(gradients), moments, params)
            params = jax.tree.map(lambda p, update: p - rate * update, params, updates)
            return params, moments, state, loss

        self.step, self.forward = self.compiled(step), jax.jit(forward)

    def compiled(self, step: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(step, donate_argnums=(0, 1, 2))

    def averaged(self, gradients: Any) -> Any:
        """Over several processes, where there are some."""
        return gradients

    def load(self, weights: Weights) -> None:
        self.params = {name: jnp.array(value) for name, value in weights.items()}
        self.moments = self.optimizer.init(self.params)
        self.state = self._zeros(self.rows)

    def weights(self) -> Weights:
        return {name: np.array(value) for name, value in self.params.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses, rates = [], learning_rates.astype(np.float32)
        for x, y, rate in zip(batches["inputs"], batches["targets"], rates, strict=True):
            self.params, self.moments, self.state, loss = self.step(
                self.params, self.moments, self.state, x, y, rate
            )
            losses.append(loss)
        jax.block_until_ready((self.params, losses))
        return np.array(jax.device_get(losses))

    def logits(self, batch: Batch) -> Array:
        x = batch["inputs"]
        flat, _ = self.forward(self.params, self._zeros(len(x)), x)
        return np.asarray(flat).reshape(*x.shape, -1)

    def _zeros(self, rows: int) -> State:
        if self.kind == "gpt":  # carries no state
            return ()
        spec, parts = self.layers[1], 2 if self.kind == "lstm" else 1
        shape = (rows, spec.hidden)
        return tuple(tuple(jnp.zeros(shape) for _ in range(parts)) for _ in range(spec.layers))


def _optimizer(spec: OptimizerSpec) -> optax.GradientTransformation:
    """From gradients to what the rate is multiplied with."""
    parts = [optax.clip_by_global_norm(spec.clip_norm)] if spec.clip_norm else []
    if spec.name != "sgd":
        parts.append(optax.scale_by_adam(spec.beta1, spec.beta2, spec.epsilon))
    if spec.weight_decay:  # biases and norms do not decay
        mask = partial(jax.tree.map, lambda value: value.ndim >= 2)
        parts.append(optax.add_decayed_weights(spec.weight_decay, mask))
    return optax.chain(*parts)
