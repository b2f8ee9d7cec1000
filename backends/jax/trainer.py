"""Training with JAX: one jitted step with donated state, called in a plain loop."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Weights
from compare.spec import Experiment, OptimizerSpec

from .layers import Model, State

DTYPES = {"fp32": jnp.float32, "fp64": jnp.float64}


class JaxTrainer:
    def __init__(self, experiment: Experiment, device: Device) -> None:
        if experiment.train.precision == "fp64":
            jax.config.update("jax_enable_x64", True)
        self.dtype = DTYPES[experiment.train.precision]
        platform = "gpu" if device.kind == "cuda" else device.kind
        self.device = jax.devices(platform)[device.index]
        jax.config.update("jax_default_device", self.device)

        # Abstract: modules would draw weights, which `load` brings.
        self.model = nnx.eval_shape(lambda: Model(experiment.model, self.dtype))
        self.graph = nnx.graphdef(self.model)
        self.carries = [getattr(layer, "carry_state", False) for layer in experiment.model.layers]
        self.optimizer = _optimizer(experiment.optimizer)
        self.zero = self._zero_states(experiment.train.batch)
        self.params: Any = None  # until `load`
        self.moments: Any = None
        self.states = self.zero
        self.step = jax.jit(self._step, donate_argnums=(0, 1, 2))
        self.differentiate = jax.jit(jax.grad(self._loss, has_aux=True))
        self.forward = jax.jit(self._forward)

    def load(self, weights: Weights) -> None:
        for name, variable in self.model.canonical().items():
            variable.set_value(jnp.asarray(weights[name], self.dtype))
        self._reset(nnx.state(self.model, nnx.Param))

    def weights(self) -> Weights:
        return self._canonical(self.params)

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        rates = np.asarray(learning_rates, self.dtype)
        losses = []
        # NumPy slices go in as they are: slicing a jax array would compile for each window size.
        for x, y, rate in zip(batches["inputs"], batches["targets"], rates, strict=True):
            self.params, self.moments, self.states, loss = self.step(
                self.params, self.moments, self.states, x, y, rate
            )
            losses.append(loss)
        # Dispatch is asynchronous: wait for the last update, not only for the losses.
        jax.block_until_ready((self.params, losses))
        return np.array(jax.device_get(losses))

    def gradients(self, batch: Batch) -> Weights:
        found, _ = self.differentiate(self.params, self.zero, batch["inputs"], batch["targets"])
        return self._canonical(found)

    def logits(self, batch: Batch) -> Array:
        return np.asarray(self.forward(self.params, self.zero, batch["inputs"])[0])

    def memory(self) -> DeviceMemory:
        stats = self.device.memory_stats()  # None on a CPU
        return DeviceMemory(stats["peak_bytes_in_use"] if stats else None)

    def _forward(self, params: Any, states: list[State], x: jax.Array) -> Any:
        return nnx.merge(self.graph, params)(x, states)  # logits (batch, time, vocab), states

    def _loss(self, params: Any, states: list[State], x: jax.Array, y: jax.Array) -> Any:
        logits, after = self._forward(params, states, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), after

    def _step(
        self, params: Any, moments: Any, states: list[State], x: Any, y: Any, rate: Any
    ) -> Any:
        differentiate = jax.value_and_grad(self._loss, has_aux=True)
        (loss, after), gradients = differentiate(params, states, x, y)
        directions, moments = self.optimizer.update(gradients, moments)
        params = jax.tree.map(lambda p, d: p - rate * d, params, directions)
        return params, moments, self._carried(after), loss

    def _carried(self, states: list[State]) -> list[State]:
        return [
            state if carry else zero
            for state, zero, carry in zip(states, self.zero, self.carries, strict=True)
        ]

    def _zero_states(self, batch: int) -> list[State]:
        params = nnx.state(self.model, nnx.Param)
        tokens = jax.ShapeDtypeStruct((batch, 1), jnp.int32)
        nothing: list[State] = [None] * len(self.carries)
        _, shapes = jax.eval_shape(lambda p, x: self._forward(p, nothing, x), params, tokens)
        zeros: list[State] = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return zeros

    def _reset(self, params: Any) -> None:
        # Copies, since `step` is given the buffers to write over.
        self.params = jax.tree.map(jnp.copy, params)
        self.moments = self.optimizer.init(self.params)
        self.states = jax.tree.map(jnp.copy, self.zero)

    def _canonical(self, params: Any) -> Weights:
        model = nnx.merge(self.graph, params)
        return {name: np.array(variable[...]) for name, variable in model.canonical().items()}


def _optimizer(spec: OptimizerSpec) -> optax.GradientTransformation:
    """The direction of a step; the core's learning rate is applied to it in `_step`."""
    if spec.name == "sgd":
        return optax.trace(decay=spec.momentum) if spec.momentum else optax.identity()
    return _adam(spec)


def _adam(spec: OptimizerSpec) -> optax.GradientTransformation:
    """Adam's direction with an exact bias correction.

    optax.scale_by_adam computes 1 - beta2**t in float32, which at t = 1 is off by 1e-5 of its
    value, 60 times the rounding of everything else in the step.
    """

    def init(params: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return jnp.zeros((), jnp.int32), zeros, jax.tree.map(jnp.copy, zeros)

    def update(gradients: Any, moments: Any, params: Any = None) -> Any:
        count, first, second = moments
        count = count + 1
        first = optax.tree.update_moment(gradients, first, spec.beta1, 1)
        second = optax.tree.update_moment(gradients, second, spec.beta2, 2)
        # 1 - beta**t as -expm1(t log beta) keeps the digits that the subtraction would lose.
        correct1, correct2 = (
            -jnp.expm1(count * (math.log(beta) if beta else -math.inf))
            for beta in (spec.beta1, spec.beta2)
        )
        directions = jax.tree.map(
            lambda m, v: (m / correct1) / (jnp.sqrt(v / correct2) + spec.epsilon), first, second
        )
        return directions, (count, first, second)

    return optax.GradientTransformation(init, update)
