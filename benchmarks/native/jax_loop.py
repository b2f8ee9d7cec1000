"""The plain JAX loop: one jitted step of pure functions and optax.adam, its buffers donated."""

import os
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Unsupported, Weights
from compare.spec import Experiment


class JaxNative:
    name = "jax-native"
    modes = ("loop",)
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        os.environ["NPROC"] = str(threads)
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")

    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("jax", "optax")}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> "Loop":
        return Loop(experiment)


class Loop:
    def __init__(self, experiment: Experiment) -> None:
        import jax
        import jax.numpy as jnp
        import optax

        sizes: Any = experiment.model.layers
        rnn, adam = sizes[1], experiment.optimizer
        self.optimizer = optax.adam(adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon)
        self.zero = jnp.zeros((rnn.layers, experiment.train.batch, rnn.hidden))

        def cell(recurrent: Any, h: Any, step: Any) -> Any:
            h = jnp.tanh(step + h @ recurrent)
            return h, h

        def forward(params: Any, state: Any, x: Any) -> Any:
            """x (batch, time) -> logits (time * batch, vocab), last states."""
            y = params["embedding.table"][x.T]  # (time, batch, dim)
            after = []
            for i in range(rnn.layers):
                kernel, recurrent = params[f"rnn.{i}.kernel"], params[f"rnn.{i}.recurrent"]
                projected = y.reshape(-1, y.shape[-1]) @ kernel + params[f"rnn.{i}.bias"]
                steps = projected.reshape(*y.shape[:2], -1)
                h, y = jax.lax.scan(partial(cell, recurrent), state[i], steps, unroll=True)
                after.append(h)
            flat = y.reshape(-1, y.shape[-1])  # XLA's CPU backend runs rank-3 products slower
            return flat @ params["head.kernel"] + params["head.bias"], jnp.stack(after)

        def loss_of(params: Any, state: Any, x: Any, y: Any) -> Any:
            logits, after = forward(params, state, x)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, y.T.reshape(-1))
            return losses.mean(), after

        @partial(jax.jit, donate_argnums=(0, 1, 2))
        def step(params: Any, moments: Any, state: Any, x: Any, y: Any) -> Any:
            differentiate = jax.value_and_grad(loss_of, has_aux=True)
            (loss, state), gradients = differentiate(params, state, x, y)
            updates, moments = self.optimizer.update(gradients, moments)
            return optax.apply_updates(params, updates), moments, state, loss

        self.step, self.forward = step, jax.jit(forward)

    def load(self, weights: Weights) -> None:
        import jax.numpy as jnp

        self.params = {name: jnp.array(value) for name, value in weights.items()}
        self.moments = self.optimizer.init(self.params)
        self.state = jnp.copy(self.zero)

    def weights(self) -> Weights:
        return {name: np.array(value) for name, value in self.params.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        import jax

        losses = []
        for x, y in zip(batches["inputs"], batches["targets"], strict=True):
            self.params, self.moments, self.state, loss = self.step(
                self.params, self.moments, self.state, x, y
            )
            losses.append(loss)
        jax.block_until_ready((self.params, losses))
        return np.array(jax.device_get(losses))

    def gradients(self, batch: Batch) -> Weights:
        raise Unsupported("gradients")

    def logits(self, batch: Batch) -> Array:
        flat, _ = self.forward(self.params, self.zero, batch["inputs"])
        batch_size, time = batch["inputs"].shape
        return np.asarray(flat).reshape(time, batch_size, -1).swapaxes(0, 1)

    def memory(self) -> DeviceMemory:
        return DeviceMemory()


backend = JaxNative()
