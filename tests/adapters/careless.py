"""The reference with dropout masks of its own; each mode but the first is careless somewhere."""

from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Batches, Device, Trainer, Unsupported
from compare.contracts.loading import load_backend
from compare.spec import Experiment
from compare.spec.dropout import with_dropout_masks


class CarelessTrainer:
    def __init__(self, inner: Trainer, experiment: Experiment, mode: str) -> None:
        self.inner, self.experiment, self.mode, self.drawn = inner, experiment, mode, 0
        self.is_native = experiment.train.dropout_masks == "native"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def masked(self, batches: Batches) -> Batches:
        if not self.is_native:
            return batches
        ours = self.experiment.train.model_copy(update={"dropout_masks": "core"})
        self.drawn += len(batches["inputs"])
        return with_dropout_masks(batches, self.experiment.model, ours, self.drawn)

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        return self.inner.train(self.masked(batches), learning_rates)

    def gradients(self, batch: Batch) -> Any:
        if self.mode == "dropout_in_gradients":
            many = self.masked({name: np.stack([field]) for name, field in batch.items()})
            batch = {name: field[0] for name, field in many.items()}
        return self.inner.gradients(batch)

    def memory(self) -> Any:
        return None if self.mode == "no_memory" else self.inner.memory()


class Careless:
    name = "careless"
    modes = ("careful", "dropout_in_gradients", "no_memory", "compiles", "gives_up")
    oracle = False

    def __init__(self) -> None:
        self.reference, self.compiled = load_backend("reference"), 0

    def open(self, mode: str, threads: int) -> None:
        self.mode = mode
        self.reference.open(mode, threads)

    def versions(self) -> dict[str, str]:
        return {"careless": "1.0"}

    def details(self) -> dict[str, str]:
        if self.mode not in ("compiles", "gives_up"):
            return {}
        return {"compiled": str(self.compiled)}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        if experiment.train.dtype != "fp64":
            raise Unsupported(f"precision {experiment.train.dtype}")
        ours = experiment.train.model_copy(update={"dropout_masks": "core"})
        inner = self.reference.build(experiment.model_copy(update={"train": ours}), device)
        self.compiled += self.mode == "compiles"
        return CarelessTrainer(inner, experiment, self.mode)


backend = Careless()
