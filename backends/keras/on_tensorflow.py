"""Keras on TensorFlow: a GradientTape inside a tf.function, compiled by XLA."""

from typing import Any

import keras
import tensorflow as tf

from compare.contracts import Array, Device, Weights

from .model import Model


def set_up(threads: int) -> None:
    tf.config.experimental.enable_tensor_float_32_execution(False)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def set_precision(precision: str) -> None:
    """Nothing to switch on: TensorFlow has float64 as it is."""


def devices() -> list[Device]:
    gpus = tf.config.list_physical_devices("GPU")
    return [Device("cpu"), *(Device("cuda", index) for index in range(len(gpus)))]


class Steps:
    def __init__(self, model: Model, optimizer: Any, loss: Any, device: Device) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.place = f"GPU:{device.index}" if device.kind == "cuda" else "CPU:0"
        self.states = [tf.Variable(zero) for zero in model.zero_states()]
        # "auto" would leave XLA off on a machine without a GPU.
        self.step = tf.function(self._step, jit_compile=True)
        self.gradients = tf.function(self._gradients, jit_compile=True)
        self.logits = tf.function(self._logits, jit_compile=True)

    def reset(self) -> None:
        for state in self.states:
            state.assign(tf.zeros_like(state))

    def weights(self) -> Weights:
        return {name: value.numpy() for name, value in self.model.variables.items()}

    def train(self, inputs: Array, targets: Array, rates: Array) -> Array:
        if self.place != "CPU:0":
            tf.config.experimental.reset_memory_stats(self.place)
        with tf.device(self.place):
            x, y = tf.constant(inputs), tf.constant(targets)
            rate = tf.constant(rates, keras.config.floatx())
            losses = [self.step(x[i], y[i], rate[i]) for i in range(len(rates))]
            fetched: Array = tf.stack(losses).numpy()
            tf.test.experimental.sync_devices()  # a GPU's last update is later than its loss
        return fetched

    def peak_bytes(self) -> int | None:
        if self.place == "CPU:0":
            return None
        return int(tf.config.experimental.get_memory_info(self.place)["peak"])

    def _step(self, x: Any, y: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            found = self.model.keras([x, *self.states], training=True)
            logits, *after = self.model.outputs(found)
            loss = self.loss(y, logits)
        self.optimizer.learning_rate = rate
        self.optimizer.apply(self._dense(tape, loss), self.model.trainable())
        for state, value, carry in zip(self.states, after, self.model.carries, strict=True):
            if carry:
                state.assign(value)
        return loss

    def _gradients(self, x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            found = self.model.keras([x, *self.model.zero_states()], training=True)
            loss = self.loss(y, self.model.outputs(found)[0])
        return self._dense(tape, loss)

    def _logits(self, x: Any) -> Any:
        found = self.model.keras([x, *self.model.zero_states()], training=False)
        return self.model.outputs(found)[0]

    def _dense(self, tape: Any, loss: Any) -> list[Any]:
        # An embedding's gradient comes as IndexedSlices, with a token's repeats apart: add them.
        found = tape.gradient(loss, [variable.value for variable in self.model.trainable()])
        return [tf.convert_to_tensor(gradient) for gradient in found]
