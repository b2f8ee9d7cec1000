"""Training with Keras: a functional model and an optimizer, stepped by the library below it."""

from importlib import import_module
from types import ModuleType

import keras
import numpy as np

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Weights
from compare.spec import Experiment

from .model import Model
from .optimizers import optimizer_of

FLOATX = {"fp32": "float32", "fp64": "float64"}


class KerasTrainer:
    def __init__(self, experiment: Experiment, device: Device, steps: ModuleType) -> None:
        steps.set_precision(experiment.train.precision)
        _set_floatx(FLOATX[experiment.train.precision])
        train = experiment.train
        with keras.device(device.label.replace("cuda", "gpu")):
            self.model = Model(experiment.model, train.batch, train.sequence_length)
            self.optimizer = optimizer_of(experiment.optimizer)
            self.optimizer.build(self.model.trainable())
            self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            self.steps = steps.Steps(self.model, self.optimizer, self.loss, device)

    def load(self, weights: Weights) -> None:
        for name, variable in self.model.variables.items():
            variable.assign(weights[name])
        for variable in self.optimizer.variables:
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
        self.steps.reset()

    def weights(self) -> Weights:
        found: Weights = self.steps.weights()
        return found

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses: Array = self.steps.train(batches["inputs"], batches["targets"], learning_rates)
        return losses

    def gradients(self, batch: Batch) -> Weights:
        found = self.steps.gradients(batch["inputs"], batch["targets"])
        names = self.model.variables
        return {
            name: keras.ops.convert_to_numpy(value)
            for name, value in zip(names, found, strict=True)
        }

    def logits(self, batch: Batch) -> Array:
        return np.asarray(keras.ops.convert_to_numpy(self.steps.logits(batch["inputs"])))

    def memory(self) -> DeviceMemory:
        return DeviceMemory(self.steps.peak_bytes())


def _set_floatx(dtype: str) -> None:
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    if dtype == "float64":
        # On JAX and torch, Keras's type promotion turns float64 into float32 inside its ops.
        promotion = import_module("keras.src.backend.common.dtypes")
        promotion.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
