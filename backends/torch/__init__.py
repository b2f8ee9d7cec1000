"""PyTorch. Importing this module does not import torch; `open` does."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from compare.contracts import Array, Device, Group, Trainer, Unsupported
from compare.spec import Experiment

if TYPE_CHECKING:
    from .trainer import TorchTrainer as TorchTrainer


class TorchBackend:
    """`eager` runs the fused nn.RNN; `compile` a cell loop through torch.compile."""

    name = "torch"
    modes = ("eager", "compile")
    oracle = False
    group: Group | None = None

    def open(self, mode: str, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)  # as XLA does by default
        # Strict float32: off are TF32 in matrix products and, on by default, inside cuDNN.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self._compile = mode == "compile"
        if self._compile:
            _require_compiler()

    def join(self, group: Group) -> None:
        from . import ranks

        ranks.join(group)
        self.group = group

    def versions(self) -> dict[str, str]:
        import torch

        return {"torch": torch.__version__}

    def details(self) -> dict[str, str]:
        import torch

        counted = {"compiled": _times_compiled()} if self._compile else {}
        return counted | {
            "build": " ".join(torch.__config__.show().split()),
            "cpu capability": torch.backends.cpu.get_cpu_capability(),
            "intra-op threads": str(torch.get_num_threads()),
        }

    def devices(self) -> list[Device]:
        import torch

        found = [Device("cpu")]
        if torch.backends.mps.is_available():
            found.append(Device("mps"))
        for index in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(index)
            found.append(
                Device("cuda", index, about.name, about.total_memory, f"CUDA {torch.version.cuda}")
            )
        return found

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        import torch

        a, b = (torch.from_numpy(matrix).to(device.label) for matrix in (left, right))
        out = torch.empty_like(a)

        def multiply() -> None:
            torch.matmul(a, b, out=out)
            if device.kind == "cuda":
                torch.cuda.synchronize()

        return multiply

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        from .trainer import TorchTrainer

        return TorchTrainer(experiment, device, self._compile, self.group)


def _times_compiled() -> str:
    """How many graphs torch.compile has compiled in this process."""
    from torch._dynamo.utils import counters

    return str(counters["stats"]["unique_graphs"])


def _require_compiler() -> None:
    """torch.compile writes C++ for the CPU: without a compiler the mode cannot run."""
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        raise Unsupported("torch.compile needs a C++ compiler, and none was found") from None


backend = TorchBackend()
