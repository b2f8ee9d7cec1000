"""The plain Keras loop on TensorFlow: layers, keras.optimizers, a tf.function through XLA."""

from typing import Any

import tensorflow as tf
from keras_models import FROM_LOGITS, LIBRARIES, KerasPlain

from compare.contracts import Array, Batches
from compare.spec import Experiment

__all__ = ["LIBRARIES", "Loop"]


class Loop(KerasPlain):
    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        self.step = tf.function(self._step, jit_compile=True)

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        rates = learning_rates.astype("float32")
        data = zip(*map(tf.constant, (batches["inputs"], batches["targets"], rates)), strict=True)
        fetched: Array = tf.stack([self.step(x, y, rate) for x, y, rate in data]).numpy()
        return fetched

    def _step(self, x: Any, y: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = FROM_LOGITS(y, self.model(x, training=True))
        self.optimizer.learning_rate = rate
        self.optimizer.apply(tape.gradient(loss, self.variables), self.variables)
        return loss
