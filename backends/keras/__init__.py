"""Keras 3, on TensorFlow by default, on JAX or PyTorch by mode.

Importing this module imports neither keras nor what it runs on; `open` does.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from compare.contracts import Array, Device, Group, Trainer
from compare.spec import Experiment


class KerasBackend:
    """Modes are named after the library that Keras computes with. TensorFlow's step is compiled by
    XLA; in `tensorflow-graph` it is not, and `tensorflow-multistep` takes several steps a call."""

    name = "keras"
    modes = ("tensorflow", "jax", "torch", "tensorflow-graph", "tensorflow-multistep")
    oracle = False
    ranks: Any = None

    def open(self, mode: str, threads: int) -> None:
        library, _, self._variant = mode.partition("-")
        os.environ["KERAS_BACKEND"] = library
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
            os.environ[variable] = str(threads)
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
        import keras

        assert keras.backend.backend() == library
        self._library = library
        self._steps = import_module(f".on_{library}", __name__)  # the library that computes
        self._steps.set_up(threads)

    def join(self, group: Group) -> None:
        """By the library's own engine: that of Keras is for JAX alone, and averages."""
        self.ranks = import_module(f".{self._library}_ranks", __name__).Ranks(group)

    def versions(self) -> dict[str, str]:
        import keras

        computes = import_module(self._library)
        return {"keras": keras.__version__, self._library: computes.__version__}

    def details(self) -> dict[str, str]:
        found: dict[str, str] = self._steps.details()
        return found

    def devices(self) -> list[Device]:
        found: list[Device] = self._steps.devices()
        return found

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        multiply: Callable[[], object] = self._steps.product(device, left, right)
        return multiply

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        from .trainer import KerasTrainer

        return KerasTrainer(experiment, device, self._steps, self._variant, self.ranks)


backend = KerasBackend()
