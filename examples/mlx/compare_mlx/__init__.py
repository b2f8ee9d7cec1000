"""MLX for the comparison: the recurrent language models. `open` imports mlx, not this module."""

from collections.abc import Callable

from compare.contracts import Array, Device, Group, Trainer
from compare.spec import Experiment


class MlxBackend:
    name = "mlx"
    modes = ("eager",)
    oracle = False
    group: Group | None = None

    def open(self, mode: str, threads: int) -> None:
        import mlx.core as mx

        mx.set_default_device(mx.cpu)  # which has float64; MLX's GPU has not

    def join(self, group: Group) -> None:
        self.group = group

    def versions(self) -> dict[str, str]:
        import mlx.core as mx

        return {"mlx": mx.__version__}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        import mlx.core as mx

        a, b = mx.array(left), mx.array(right)
        return lambda: mx.eval(a @ b)

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        from .trainer import MlxTrainer

        return MlxTrainer(experiment, self.group)


backend = MlxBackend()
