"""PaddlePaddle on a CPU, with every layer. `open` imports paddle, not this module."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

from compare.contracts import Array, Device, Trainer
from compare.spec import Experiment

if TYPE_CHECKING:
    from .trainer import PaddleTrainer


class PaddleBackend:
    """`eager` runs op by op; `static` makes a program of the loss, through paddle.jit."""

    name = "paddle"
    modes = ("eager", "static")
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
        import paddle

        paddle.set_device("cpu")
        self._static = mode == "static"
        self._trainers: WeakSet[PaddleTrainer] = WeakSet()

    def versions(self) -> dict[str, str]:
        import paddle

        return {"paddlepaddle": paddle.__version__}

    def details(self) -> dict[str, str]:
        if not self._static:
            return {}
        return {"compiled": str(sum(one.programs() for one in self._trainers))}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        import paddle

        a, b = paddle.to_tensor(left), paddle.to_tensor(right)
        return lambda: paddle.matmul(a, b)

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        from .trainer import PaddleTrainer

        trainer = PaddleTrainer(experiment, self._static)
        self._trainers.add(trainer)
        return trainer


backend = PaddleBackend()
