"""Keras on TensorFlow: a GradientTape inside a tf.function, compiled by XLA."""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import keras
import tensorflow as tf

from compare.contracts import Array, Batch, Batches, Device

from . import steps
from .layers import Tensor
from .model import States
from .steps import Fields, Gradients, fields_of
from .tensorflow_ranks import Ranks

CUDNN = False  # what cuDNN computes, XLA cannot compile
STEPS_PER_CALL = 3  # of the variant `multistep`: a warm-up has as many, and so compiles it


def set_up(threads: int) -> None:
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def set_precision(precision: str) -> None:
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")


def details() -> dict[str, str]:
    return {"compiled": str(sum(one.times_traced() for one in _living))}


def devices() -> list[Device]:
    gpus = tf.config.list_physical_devices("GPU")
    return [Device("cpu"), *(Device("cuda", index) for index in range(len(gpus)))]


def product(device: Device, left: Array, right: Array) -> Callable[[], object]:
    with tf.device("GPU" if device.kind == "cuda" else "CPU"):
        a, b = tf.constant(left), tf.constant(right)
    multiply = tf.function(keras.ops.matmul, jit_compile=True)
    return lambda: float(multiply(a, b)[0, 0])  # fetched: calls may return before they are done


def place(device: Device, ranks: Ranks | None) -> str:
    """As Keras calls it."""
    return device.label.replace("cuda", "gpu")


_living: "WeakSet[Steps]" = WeakSet()


class Steps(steps.Steps):
    def __init__(
        self, *arguments: Any, device: Device, variant: str = "", ranks: Ranks | None = None
    ) -> None:
        super().__init__(*arguments)
        self.ranks = ranks
        self.gpu = f"GPU:{device.index}" if device.kind == "cuda" else None
        # "auto" would leave XLA off on a machine without a GPU.
        xla = variant != "graph"
        if ranks:
            self.step: Any = ranks.step(self._whole_batch, self._update, xla)
        else:
            self.step = tf.function(self._step, jit_compile=xla)
        self.differentiate = tf.function(self._gradients, jit_compile=xla)
        self.forward = tf.function(self._logits, jit_compile=xla)
        self.several = tf.function(self._several)
        _living.add(self)
        self.steps_per_call = STEPS_PER_CALL if variant == "multistep" else 1

    def train(self, batches: Batches, rates: Array) -> Array:
        if self.gpu:
            tf.config.experimental.reset_memory_stats(self.gpu)
        fields = {name: tf.constant(field) for name, field in batches.items()}
        scheduled = tf.constant(rates, self.network.variable_dtype)
        losses, first = [], 0
        while 1 < self.steps_per_call <= len(rates) - first:
            some = slice(first, first + self.steps_per_call)
            batch = {name: field[some] for name, field in fields.items()}
            several, self.states = self.several(batch, self.states, scheduled[some])
            losses += tf.unstack(several)
            first += self.steps_per_call
        for index in range(first, len(rates)):
            batch = fields_of(fields, index)
            loss, self.states = self.step(batch, self.states, scheduled[index])
            losses.append(loss)
        fetched: Array = tf.stack(losses).numpy()
        # A GPU's last update is later than its loss. Of several ranks the others' devices cannot be
        # waited for: what is read of one's own comes behind the update.
        if self.ranks:
            next(reversed(self.variables.values())).numpy()
        else:
            tf.test.experimental.sync_devices()
        return fetched

    def gradients(self, batch: Batch) -> Gradients:
        found: Gradients = self.differentiate(dict(batch))
        return found

    def logits(self, batch: Batch) -> Tensor:
        return self.forward(dict(batch))

    def peak_bytes(self) -> int | None:
        return int(tf.config.experimental.get_memory_info(self.gpu)["peak"]) if self.gpu else None

    def times_traced(self) -> int:
        """How often a function became a graph, which XLA has compiled or raised an error: none
        is made where functions run eagerly."""
        functions = (self.step, self.several, self.differentiate, self.forward)
        return sum(function.experimental_get_tracing_count() for function in functions)

    def _step(self, batch: Fields, states: States, rate: Tensor) -> tuple[Tensor, States]:
        loss, gradients, after = self._whole_batch(batch, states)
        self._update(gradients, rate)
        return loss, after

    def _whole_batch(self, batch: Fields, states: States) -> tuple[Tensor, Gradients, States]:
        return self.accumulated(self._differentiate, batch, states)

    def _update(self, gradients: Gradients, rate: Tensor) -> None:
        self.optimizer.learning_rate = rate
        self.optimizer.apply(gradients, list(self.variables.values()))

    def _several(self, batches: Fields, states: States, rates: Tensor) -> tuple[Tensor, States]:
        """Compiled steps one after the other, as `fit` takes them with steps_per_execution."""
        losses = []
        for index in range(self.steps_per_call):
            loss, states = self.step(fields_of(batches, index), states, rates[index])
            losses.append(loss)
        return tf.stack(losses), states

    def _differentiate(
        self, batch: Fields, states: States | None, valid: Tensor, training: bool = True
    ) -> tuple[Tensor, Gradients, States]:
        with tf.GradientTape() as tape:
            loss, after = self.loss(batch, states, valid, training)
        tensors = [variable.value for variable in self.variables.values()]
        found = tape.gradient(loss, tensors, unconnected_gradients="zero")
        # An embedding's gradient comes as IndexedSlices, with a token's repeats apart: add them.
        return loss, [tf.convert_to_tensor(gradient) for gradient in found], after

    def _gradients(self, batch: Fields) -> Gradients:
        return self._differentiate(batch, None, self.valid_targets(batch), training=False)[1]

    def _logits(self, batch: Fields) -> Tensor:
        return self.network(batch)[0]
