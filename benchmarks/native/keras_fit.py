"""The high-level Keras loop on TensorFlow: `compile` and `fit`, nothing of one's own per step
but a callback."""

from typing import Any

import keras
import numpy as np
from keras_models import FROM_LOGITS, LIBRARIES, KerasPlain

from compare.contracts import Array, Batches
from compare.spec import Experiment

__all__ = ["LIBRARIES", "Loop"]


class Loop(KerasPlain):
    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        # One step per execution: a callback sets its rate and reads its loss.
        self.model.compile(self.optimizer, FROM_LOGITS, jit_compile=True, steps_per_execution=1)

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        batch, time = self.shape
        x, y = (batches[field].reshape(-1, time) for field in ("inputs", "targets"))
        steps = PerStep(learning_rates)
        self.model.fit(x, y, batch_size=batch, shuffle=False, verbose=0, callbacks=[steps])
        return np.array(steps.losses)


class PerStep(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets each step's learning rate, and keeps its loss: `fit` logs the mean since a reset."""

    def __init__(self, rates: Array) -> None:
        super().__init__()
        self.rates, self.losses = rates, list[float]()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = self.rates[batch]
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"])
