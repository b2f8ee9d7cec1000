"""The oracle: NumPy in float64, every derivative written by hand.

It is slow and plain on purpose. The other backends are audited against it, and it is checked
against finite differences.
"""

from collections.abc import Callable

from compare.contracts import Array, Device, Group, Trainer
from compare.spec import Experiment


class ReferenceBackend:
    name = "reference"
    modes = ("numpy",)
    oracle = True
    group: Group | None = None

    def open(self, mode: str, threads: int) -> None:
        import numpy  # noqa: F401 - its pool is sized as it is loaded, which may be long ago
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)

    def join(self, group: Group) -> None:
        self.group = group

    def versions(self) -> dict[str, str]:
        import numpy

        return {"numpy": numpy.__version__}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        return lambda: left @ right

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        from .trainer import ReferenceTrainer

        return ReferenceTrainer(experiment, self.group)


backend = ReferenceBackend()
