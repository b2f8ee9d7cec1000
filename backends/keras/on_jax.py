"""Keras on JAX: stateless calls inside one jitted step with donated state."""

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from compare.contracts import Array, Device, Weights

from .model import Model


def set_up(threads: int) -> None:
    jax.config.update("jax_default_matmul_precision", "highest")


def set_precision(precision: str) -> None:
    jax.config.update("jax_enable_x64", precision == "fp64")


def devices() -> list[Device]:
    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    return [Device("cpu"), *(Device("cuda", gpu.id, gpu.device_kind) for gpu in gpus)]


class Steps:
    def __init__(self, model: Model, optimizer: Any, loss: Any, device: Device) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.device = jax.devices("gpu" if device.kind == "cuda" else "cpu")[device.index]
        jax.config.update("jax_default_device", self.device)
        self.zero = model.zero_states()
        self.step = jax.jit(self._step, donate_argnums=0)
        self._differentiate = jax.jit(jax.grad(self._loss, has_aux=True))
        self._forward = jax.jit(self._call)

    def reset(self) -> None:
        # Copies, since `step` is given the buffers to write over.
        trainable = [jnp.copy(variable.value) for variable in self.model.trainable()]
        optimizer = [jnp.copy(variable.value) for variable in self.optimizer.variables]
        self.state = (trainable, optimizer, [jnp.copy(zero) for zero in self.zero])

    def weights(self) -> Weights:
        return {
            name: np.array(value)
            for name, value in zip(self.model.variables, self.state[0], strict=True)
        }

    def train(self, inputs: Array, targets: Array, rates: Array) -> Array:
        losses = []
        for x, y, rate in zip(inputs, targets, rates.astype(keras.config.floatx()), strict=True):
            self.state, loss = self.step(self.state, x, y, rate)
            losses.append(loss)
        jax.block_until_ready((self.state, losses))  # dispatch is asynchronous
        return np.array(jax.device_get(losses))

    def gradients(self, x: Any, y: Any) -> Any:
        return self._differentiate(self.state[0], self.zero, x, y)[0]

    def logits(self, x: Any) -> Any:
        return self._forward(self.state[0], self.zero, x)[0]

    def peak_bytes(self) -> int | None:
        stats = self.device.memory_stats()
        return int(stats["peak_bytes_in_use"]) if stats else None

    def _call(self, trainable: Any, states: Any, x: Any) -> Any:
        fixed = [variable.value for variable in self.model.keras.non_trainable_variables]
        inputs = [x, *states]
        outputs, _ = self.model.keras.stateless_call(self._in_model_order(trainable), fixed, inputs)
        return self.model.outputs(outputs)

    def _loss(self, trainable: Any, states: Any, x: Any, y: Any) -> Any:
        logits, *after = self._call(trainable, states, x)
        return self.loss(y, logits), after

    def _step(self, state: Any, x: Any, y: Any, rate: Any) -> Any:
        trainable, optimizer, states = state
        differentiate = jax.value_and_grad(self._loss, has_aux=True)
        (loss, after), gradients = differentiate(trainable, states, x, y)
        optimizer = [
            rate if variable is self.optimizer.learning_rate else value
            for variable, value in zip(self.optimizer.variables, optimizer, strict=True)
        ]
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        states = [
            new if carry else zero
            for new, zero, carry in zip(after, self.zero, self.model.carries, strict=True)
        ]
        return (trainable, optimizer, states), loss

    def _in_model_order(self, trainable: Any) -> list[Any]:
        # The model keeps its variables in the order in which its graph was walked, not ours.
        value_of = {
            id(variable): value
            for variable, value in zip(self.model.trainable(), trainable, strict=True)
        }
        return [value_of[id(variable)] for variable in self.model.keras.trainable_variables]
