"""Training with Keras: a model and an optimizer, stepped by the library below it."""

from importlib import import_module
from types import ModuleType
from typing import Any

import keras
import numpy as np

from compare.contracts import (
    Array,
    Batch,
    Batches,
    CompilerPlan,
    Device,
    DeviceMemory,
    Unsupported,
    Weights,
)
from compare.spec import Experiment, Precision

from .model import network_of
from .optimizers import optimizer_of

# Under mixed_bfloat16 weights are float32; see layers.py for what is not.
POLICIES = {"fp32": "float32", "tf32": "float32", "fp64": "float64", "bf16": "mixed_bfloat16"}


class KerasTrainer:
    def __init__(
        self,
        experiment: Experiment,
        device: Device,
        library: ModuleType,
        variant: str,
        ranks: Any = None,
    ) -> None:
        train = experiment.train
        _set_precision(train.dtype, device, library)
        cudnn = library.CUDNN and device.kind == "cuda" and train.dtype in ("fp32", "tf32")
        self.place = library.place(device, ranks)
        with self._on_device():
            network, self.variables = network_of(experiment.model, train.seed, cudnn)
            self.optimizer = optimizer_of(experiment.optimizer)
            self.optimizer.build(list(self.variables.values()))
            self.seed = network.seed
            options = {"variant": variant} if variant else {}
            self.steps = library.Steps(
                network, self.variables, self.optimizer, train, device=device, ranks=ranks,
                **options,
            )  # fmt: skip
            self.seeds = np.array([train.seed, 0])

    def load(self, weights: Weights) -> None:
        with self._on_device():
            for name, variable in self.variables.items():
                variable.assign(weights[name])
            for variable in self.optimizer.variables:
                variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
            self.seed.state.assign(self.seeds)
            self.steps.reset()

    def weights(self) -> Weights:
        found: Weights = self.steps.weights()
        return found

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        with self._on_device():
            losses: Array = self.steps.train(batches, learning_rates)
        return losses

    def gradients(self, batch: Batch) -> Weights:
        with self._on_device():
            found = self.steps.gradients(batch)
        return {
            name: keras.ops.convert_to_numpy(value)
            for name, value in zip(self.variables, found, strict=True)
        }

    def logits(self, batch: Batch) -> Array:
        with self._on_device():
            return np.asarray(keras.ops.convert_to_numpy(self.steps.logits(batch)))

    def compiler_plan(self, batch: Batch) -> CompilerPlan:
        with self._on_device():
            found: CompilerPlan = self.steps.compiler_plan(batch)
        return found

    def memory(self) -> DeviceMemory:
        return DeviceMemory(self.steps.peak_bytes())

    def _on_device(self) -> Any:
        """Keras puts what an operation is given on its own default device, the GPU if any."""
        return keras.device(self.place)


def _set_precision(precision: Precision, device: Device, library: ModuleType) -> None:
    if precision == "tf32" and device.kind != "cuda":
        raise Unsupported("tf32 on this device: it takes an NVIDIA GPU")
    library.set_precision(precision)
    keras.config.set_floatx("float64" if precision == "fp64" else "float32")
    keras.config.set_dtype_policy(POLICIES[precision])
    if precision == "fp64":
        # On JAX and torch, Keras's type promotion turns float64 into float32 inside its ops.
        promotion = import_module("keras.src.backend.common.dtypes")
        promotion.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
