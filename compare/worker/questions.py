"""Questions about variants of a trained model: what is explained is computed from their answers."""

from pathlib import Path

from compare.contracts.backend import Backend, Device, Trainer
from compare.spec.inputs import read_arrays, read_experiment, read_weights, write_arrays


class Questions:
    """Builds each variant once: frameworks compile for what they have not seen."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._models: dict[str, Trainer] = {}  # by fingerprint

    def answer(self, folder: Path, device: Device, gradient: str) -> None:
        """Let the model that an inputs folder holds answer for the batch that lies there: its
        logits, or the gradient of one parameter, as answer.npz."""
        experiment = read_experiment(folder)
        name = experiment.fingerprint()
        if name not in self._models:
            self._models[name] = self.backend.build(experiment, device)
        model, batch = self._models[name], read_arrays(folder / "batch.npz")
        model.load(read_weights(folder))
        found = model.gradients(batch)[gradient] if gradient else model.logits(batch)
        write_arrays(folder / "answer.npz", {"answer": found})
