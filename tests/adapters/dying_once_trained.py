"""The reference, killed by the system when it is asked about weights that a run kept."""

import os
import signal
import sys

from compare.backends.reference.trainer import ReferenceTrainer

from compare.contracts import Array, Batch, Batches, Device, Trainer
from compare.spec import Experiment


class Dying(ReferenceTrainer):
    trained = False

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        self.trained = True
        return super().train(batches, learning_rates)

    def logits(self, batch: Batch) -> Array:
        if not self.trained:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().logits(batch)


class DyingOnceTrained:
    name = "dying_once_trained"
    modes = ("numpy",)
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        pass

    def versions(self) -> dict[str, str]:
        return {"python": sys.version.split()[0]}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        return Dying(experiment)


backend = DyingOnceTrained()
