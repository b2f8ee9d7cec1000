"""The hand-written loops of this folder, to be raced as one backend whose modes are the loops.

    compare --task lm --preset lstm --backend jax,benchmarks/native/native.py:jax_loop

A loop is a module with the names of the `LIBRARIES` that compute, and a class `Loop` that fits
`compare.contracts.Trainer`. It knows the three models of `plain.MODELS`, float32 and the CPU.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

from compare.contracts import Device, Group, Trainer, Unsupported
from compare.spec import Experiment

OF_RANKS = {
    "torch_loop": "torch_ddp",
    "jax_loop": "jax_shard_map",
    "tensorflow_loop": "tensorflow_mirrored",
}
"""The same loops over several processes, each in a file of its own"""


class Native:
    name = "native"
    modes = ("torch_loop", "tensorflow_loop", "keras_loop", "jax_loop", "keras_fit")
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
            os.environ[variable] = str(threads)
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
        os.environ["KERAS_BACKEND"] = "tensorflow"
        sys.path.insert(0, str(Path(__file__).parent))  # an adapter is loaded by its path
        self._mode, self._loop = mode, import_module(mode)

    def join(self, group: Group) -> None:
        if self._mode not in OF_RANKS:
            raise Unsupported(f"several ranks: {self._mode} is of one process")
        if group.silent:
            raise Unsupported("a silent twin: loops by hand talk")
        self._loop = import_module(OF_RANKS[self._mode])
        self._loop.join(group)

    def versions(self) -> dict[str, str]:
        libraries = import_module(self._mode).LIBRARIES
        return {name: import_module(name).__version__ for name in libraries}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        loop: Trainer = self._loop.Loop(experiment)
        return loop


backend = Native()
