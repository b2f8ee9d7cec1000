"""Training with JAX: one jitted step with donated state, called in a plain loop."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from compare.contracts import (
    Array,
    Batch,
    Batches,
    CompilerPlan,
    Device,
    DeviceMemory,
    Group,
    Weights,
)
from compare.spec import Experiment

from .model import Model, States, canonical
from .numerics import numerics_of
from .optimizer import optimizer_of
from .ranks import Ranks, own
from .recurrent import Cell

Params = dict[str, jax.Array]
"""By canonical name. Jitted functions take these, and put them into the module while they are
traced: to take the module's own nnx.State apart costs 0.35 ms a call."""
Fields = dict[str, jax.Array]

STEPS_PER_CALL = 3  # of the mode `multistep`: a warm-up has as many, and so compiles it


class JaxTrainer:
    def __init__(
        self, experiment: Experiment, device: Device, mode: str, group: Group | None = None
    ) -> None:
        train = experiment.train
        self.numerics = numerics_of(train.dtype, device)
        platform = "gpu" if device.kind == "cuda" else device.kind
        self.ranks = Ranks(group, platform) if group else None
        # Of several ranks each has one device, whose number is not its place.
        found = jax.local_devices(backend=platform) if group else jax.devices(platform)
        self.device = found[0] if group else found[device.index]
        jax.config.update("jax_default_device", self.device)

        # Abstract: modules would draw weights, which `load` brings.
        self.model = nnx.eval_shape(lambda: Model(experiment.model, self.numerics))
        # Unrolled, XLA took over 100 s to compile two layers of 35 steps for an H100.
        if mode == "rolled" or device.kind != "cpu":
            for _, module in self.model.iter_modules():
                if isinstance(module, Cell):
                    module.unroll = 1
        self.graph, self.abstract = nnx.split(self.model)
        self.optimizer = optimizer_of(experiment.optimizer)
        self.rows, self.micro_batches, self.seed = train.batch, train.accumulation, train.seed
        self.native = train.dropout_masks == "native"
        self.params: Params = {}  # until `load`
        self.moments: Any = None
        self.states: States = {}
        self.key: jax.Array | None = None
        self.steps_per_call = STEPS_PER_CALL if mode == "multistep" else 1
        step = self.ranks.step(self._step) if self.ranks else self._step
        self.step = jax.jit(step, donate_argnums=(0, 1, 2, 3))
        self.several = jax.jit(self._several, donate_argnums=(0, 1, 2, 3))
        self.differentiate = jax.jit(self._differentiate)
        self.forward = jax.jit(self._forward)

    def load(self, weights: Weights) -> None:
        # Copies, since `step` is given the buffers to write over.
        self.params = {
            name: jnp.array(weights[name], self.numerics.dtype) for name in canonical(self.model)
        }
        self.moments = self.optimizer.init(self.params)
        self.states = self.model.zeros(self.rows)
        self.key = jax.random.key(self.seed) if self.native else None
        if self.ranks:
            self.params = self.ranks.whole(self.params)
            self.moments = self.ranks.whole(self.moments)
            self.states = self.ranks.rows(self.states)
            if self.key is not None:
                data = self.ranks.whole(jax.random.key_data(self.key))
                self.key = jax.random.wrap_key_data(data)

    def weights(self) -> Weights:
        return _as_numpy(self._own_params())

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        rates = np.asarray(learning_rates, self.numerics.dtype)
        losses, first = [], 0
        while first < len(rates):
            at: int | slice = first
            step, taken = self.step, 1
            if 1 < self.steps_per_call <= len(rates) - first:
                step, taken = self.several, self.steps_per_call
                at = slice(first, first + taken)
            # NumPy goes in as it is: slicing a jax array would compile for each window size.
            batch: Any = {name: field[at] for name, field in batches.items()}
            if self.ranks:
                batch = self.ranks.batch(batch)
            self.params, self.moments, self.states, self.key, loss = step(
                self.params, self.moments, self.states, self.key, batch, rates[at]
            )
            losses.append(loss)
            first += taken
        # Dispatch is asynchronous: wait for the last update, not only for the losses.
        jax.block_until_ready((self.params, losses))
        if self.ranks:
            losses = own(losses)
        return np.hstack(jax.device_get(losses))

    def gradients(self, batch: Batch) -> Weights:
        _, gradients, _ = self.differentiate(self._own_params(), {}, dict(batch))
        return _as_numpy(gradients)

    def logits(self, batch: Batch) -> Array:
        return np.asarray(self.forward(self._own_params(), {}, dict(batch))[0])

    def _own_params(self) -> Params:
        """On this process's device."""
        return own(self.params) if self.ranks else self.params

    def compiler_plan(self, batch: Batch) -> CompilerPlan:
        rate = np.zeros((), self.numerics.dtype)
        fields = self.ranks.batch(batch) if self.ranks else dict(batch)
        lowered = self.step.lower(self.params, self.moments, self.states, self.key, fields, rate)
        compiled = lowered.compile()
        flops = (compiled.cost_analysis() or {}).get("flops")
        found = compiled.memory_analysis()
        if found is None:
            return CompilerPlan(None, flops)
        held = found.argument_size_in_bytes + found.output_size_in_bytes
        held += found.temp_size_in_bytes - found.alias_size_in_bytes  # donated: held once
        return CompilerPlan(held, flops)

    def memory(self) -> DeviceMemory:
        stats = self.device.memory_stats()  # None on a CPU
        return DeviceMemory(stats["peak_bytes_in_use"] if stats else None)

    def _forward(self, params: Params, states: States, batch: Fields, key: Any = None) -> Any:
        model = nnx.merge(self.graph, self.abstract, copy=True)
        for name, variable in canonical(model).items():
            variable.set_value(params[name])
        return model(batch, states, key)  # logits (batch, time, vocab), states

    def _loss(self, params: Params, states: States, batch: Fields, key: Any, count: Any) -> Any:
        logits, after = self._forward(params, states, batch, key)
        # Flat: XLA's CPU backend runs a softmax of rank 3 slower, by 4% of an LSTM's whole step.
        flat, targets = logits.reshape(-1, logits.shape[-1]), batch["targets"].reshape(-1)
        losses = optax.softmax_cross_entropy_with_integer_labels(flat, targets)
        mask = batch.get("targets_mask")
        return losses.sum(where=None if mask is None else mask.reshape(-1)) / count, after

    def _step(
        self, params: Params, moments: Any, states: States, key: Any, batch: Fields, rate: Any
    ) -> Any:
        key, now = (None, None) if key is None else jax.random.split(key)
        loss, gradients, states = self._differentiate(params, states, batch, now)
        if self.ranks:
            gradients = self.ranks.sum(gradients)
        directions, moments = self.optimizer.update(gradients, moments, params)
        params = jax.tree.map(lambda p, d: p - rate * d, params, directions)
        return params, moments, states, key, loss

    def _several(
        self, params: Params, moments: Any, states: States, key: Any, batches: Fields, rates: Any
    ) -> Any:
        """A step for each of `rates`, with the losses of all of them."""

        def step(carried: Any, one: Any) -> Any:
            *after, loss = self._step(*carried, *one)
            return tuple(after), loss

        carried, losses = jax.lax.scan(step, (params, moments, states, key), (batches, rates))
        return *carried, losses

    def _differentiate(
        self, params: Params, states: States, batch: Fields, key: Any = None
    ) -> tuple[jax.Array, Params, States]:
        """Loss, gradients and states of a batch, all micro-batches together."""
        differentiate = jax.value_and_grad(self._loss, has_aux=True)
        mask = batch.get("targets_mask")
        count = batch["targets"].size if mask is None else mask.sum()
        if "count" in batch:  # of one rank's rows: the targets of all ranks
            count = batch["count"].astype(self.numerics.dtype)
            batch = {name: field for name, field in batch.items() if name != "count"}
        if self.micro_batches == 1:
            (loss, states), gradients = differentiate(params, states, batch, key, count)
            return loss, gradients, states

        def add(total: Params, part: Any) -> Any:
            (loss, after), gradients = differentiate(params, *part, count)
            return jax.tree.map(jnp.add, total, gradients), (loss, after)

        keys = None if key is None else jax.random.split(key, self.micro_batches)
        states, batch = jax.tree.map(self._split, (states, batch))
        zeros = jax.tree.map(jnp.zeros_like, params)
        gradients, (losses, after) = jax.lax.scan(add, zeros, (states, batch, keys))
        after = jax.tree.map(lambda value: value.reshape(-1, value.shape[-1]), after)
        return losses.sum(), gradients, after

    def _split(self, field: jax.Array) -> jax.Array:
        """(batch, ...) -> (micro-batches, rows, ...)"""
        return field.reshape(self.micro_batches, -1, *field.shape[1:])


def _as_numpy(values: Params) -> Weights:
    return {name: np.array(value) for name, value in values.items()}
