"""Keras on JAX: stateless calls inside one jitted step with donated state."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from compare.contracts import Array, Batch, Batches, CompilerPlan, Device, Weights

from . import steps
from .jax_ranks import Ranks, own
from .layers import Tensor
from .model import States
from .steps import Fields, Gradients, fields_of

CUDNN = True
_PRODUCTS = {"tf32": "tensorfloat32"}
_compilations: list[float] = []  # the seconds that each took


def set_up(threads: int) -> None:
    """JAX sizes its thread pool when it is imported."""
    jax.monitoring.register_event_duration_secs_listener(_listen)


def _listen(event: str, duration_secs: float, **about: str | int) -> None:
    if event.endswith("backend_compile_duration"):
        _compilations.append(duration_secs)


def details() -> dict[str, str]:
    return {"compiled": str(len(_compilations))}


def set_precision(precision: str) -> None:
    jax.config.update("jax_default_matmul_precision", _PRODUCTS.get(precision, "highest"))
    jax.config.update("jax_enable_x64", precision == "fp64")


def devices() -> list[Device]:
    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    return [Device("cpu"), *(Device("cuda", gpu.id, gpu.device_kind) for gpu in gpus)]


def product(device: Device, left: Array, right: Array) -> Callable[[], object]:
    place = jax.devices("gpu" if device.kind == "cuda" else "cpu")[device.index]
    a, b = jax.device_put(left, place), jax.device_put(right, place)
    multiply = jax.jit(keras.ops.matmul)
    return lambda: multiply(a, b).block_until_ready()


def place(device: Device, ranks: Ranks | None) -> str:
    """As Keras calls it: by its number, which of several ranks is not its place."""
    if ranks is None:
        return device.label.replace("cuda", "gpu")
    kind = "gpu" if device.kind == "cuda" else "cpu"
    return f"{kind}:{ranks.use(kind).id}"


class Steps(steps.Steps):
    def __init__(self, *arguments: Any, device: Device, ranks: Ranks | None = None) -> None:
        self.ranks = ranks
        super().__init__(*arguments)
        platform = "gpu" if device.kind == "cuda" else "cpu"
        self.device = ranks.use(platform) if ranks else jax.devices(platform)[device.index]
        self.step = jax.jit(ranks.step(self._step) if ranks else self._step, donate_argnums=0)
        self.differentiate = jax.jit(self._gradients)
        self.forward = jax.jit(self._logits)

    def reset(self) -> None:
        super().reset()
        # Copies, since `step` is given the buffers to write over.
        self.state = jax.tree.map(
            jnp.copy,
            (
                [variable.value for variable in self.variables.values()],
                [variable.value for variable in self.optimizer.variables],
                self.network.seed.state.value,
                self.states,
            ),
        )
        if self.ranks:
            self.state = self.ranks.state(self.state)

    def weights(self) -> Weights:
        return {
            name: np.array(value) for name, value in zip(self.variables, self._own(0), strict=True)
        }

    def train(self, batches: Batches, rates: Array) -> Array:
        losses = []
        for index, rate in enumerate(rates.astype(self.network.variable_dtype)):
            batch: Any = fields_of(batches, index)
            if self.ranks:
                batch = self.ranks.batch(batch)
            self.state, loss = self.step(self.state, batch, rate)
            losses.append(loss)
        jax.block_until_ready((self.state, losses))  # dispatch is asynchronous
        return np.hstack(jax.device_get(own(losses) if self.ranks else losses))

    def gradients(self, batch: Batch) -> Gradients:
        found: Gradients = self.differentiate(self._own(0), self._own(2), dict(batch))
        return found

    def logits(self, batch: Batch) -> Tensor:
        return self.forward(self._own(0), dict(batch))

    def _own(self, part: int) -> Any:
        """A part of the state, on this process's device."""
        return own(self.state[part]) if self.ranks else self.state[part]

    def compiler_plan(self, batch: Batch) -> CompilerPlan:
        rate = np.zeros((), self.network.variable_dtype)
        fields = self.ranks.batch(batch) if self.ranks else dict(batch)
        compiled = self.step.lower(self.state, fields, rate).compile()
        flops = (compiled.cost_analysis() or {}).get("flops")
        found = compiled.memory_analysis()
        if found is None:
            return CompilerPlan(None, flops)
        held = found.argument_size_in_bytes + found.output_size_in_bytes
        held += found.temp_size_in_bytes - found.alias_size_in_bytes  # donated: held once
        return CompilerPlan(held, flops)

    def peak_bytes(self) -> int | None:
        stats = self.device.memory_stats()
        return int(stats["peak_bytes_in_use"]) if stats else None

    def _step(self, state: Any, batch: Fields, rate: Tensor) -> tuple[Any, Tensor]:
        trainable, optimizer, seed, states = state
        value_and_gradient = jax.value_and_grad(self._loss, has_aux=True)

        def differentiate(
            part: Fields, before: States, valid: Tensor
        ) -> tuple[Tensor, Gradients, States]:
            nonlocal seed
            found = value_and_gradient(trainable, seed, part, before, valid, training=True)
            (loss, (after, seed)), gradients = found
            return loss, gradients, after

        loss, gradients, states = self.accumulated(differentiate, batch, states)
        if self.ranks:
            gradients = self.ranks.sum(gradients)
        optimizer = [
            rate if variable is self.optimizer.learning_rate else value
            for variable, value in zip(self.optimizer.variables, optimizer, strict=True)
        ]
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return (trainable, optimizer, seed, states), loss

    def _gradients(self, trainable: list[Tensor], seed: Tensor, batch: Fields) -> Gradients:
        valid = self.valid_targets(batch)
        found: Gradients
        found, _ = jax.grad(self._loss, has_aux=True)(trainable, seed, batch, None, valid)
        return found

    def _loss(
        self, trainable: list[Tensor], seed: Tensor, batch: Fields, states: States | None,
        valid: Tensor, training: bool = False,
    ) -> tuple[Tensor, tuple[States, Tensor]]:  # fmt: skip
        drawn = self.network.seed.state
        mapping = [*self._mapping(trainable), (drawn, seed)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            loss, after = self.loss(batch, states, valid, training)
        return loss, (after, scope.get_current_value(drawn))

    def _logits(self, trainable: list[Tensor], batch: Fields) -> Tensor:
        with keras.StatelessScope(state_mapping=self._mapping(trainable)):
            return self.network(batch)[0]

    def _mapping(self, trainable: list[Tensor]) -> list[tuple[keras.Variable, Tensor]]:
        return list(zip(self.variables.values(), trainable, strict=True))
