"""Keras on PyTorch: an eager loop of forward, backward and an optimizer step."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch

from compare.contracts import Array, Batch, Batches, Device

from . import steps
from .model import States
from .steps import Fields, Gradients, fields_of
from .torch_ranks import Ranks

CUDNN = True


def set_up(threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # as XLA does by default
    # Sums of bfloat16 products stay in float32.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def set_precision(precision: str) -> None:
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def details() -> dict[str, str]:
    return {}


def devices() -> list[Device]:
    found = [Device("cpu")]
    if torch.backends.mps.is_available():
        found.append(Device("mps"))
    return found + [
        Device("cuda", index, torch.cuda.get_device_name(index))
        for index in range(torch.cuda.device_count())
    ]


def product(device: Device, left: Array, right: Array) -> Callable[[], object]:
    a, b = (torch.from_numpy(matrix).to(device.label) for matrix in (left, right))

    def multiply() -> None:
        keras.ops.matmul(a, b)
        if device.kind == "cuda":
            torch.cuda.synchronize()

    return multiply


def place(device: Device, ranks: Ranks | None) -> str:
    """As Keras calls it."""
    return device.label.replace("cuda", "gpu")


class Steps(steps.Steps):
    def __init__(self, *arguments: Any, device: Device, ranks: Ranks | None = None) -> None:
        super().__init__(*arguments)
        self.ranks = ranks
        self.device = torch.device(device.label)

    def train(self, batches: Batches, rates: Array) -> Array:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        fields = self._fields(batches)
        losses = [self._step(fields_of(fields, i), float(rate)) for i, rate in enumerate(rates)]
        fetched: Array = torch.stack(losses).cpu().numpy()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # the last update is later than the last loss
        return fetched

    def gradients(self, batch: Batch) -> Gradients:
        fields = self._fields(batch)
        return self._differentiate(fields, None, self.valid_targets(fields), training=False)[1]

    def logits(self, batch: Batch) -> torch.Tensor:
        with torch.no_grad():
            logits: torch.Tensor = self.network(self._fields(batch))[0]
        return logits

    def peak_bytes(self) -> int | None:
        if self.device.type != "cuda":
            return None
        return int(torch.cuda.max_memory_allocated(self.device))

    def _step(self, batch: Fields, rate: float) -> torch.Tensor:
        loss: torch.Tensor
        loss, gradients, self.states = self.accumulated(self._differentiate, batch, self.states)
        if self.ranks:
            gradients = self.ranks.sum(gradients)
        self.optimizer.learning_rate = rate
        with torch.no_grad():
            self.optimizer.apply(gradients, list(self.variables.values()))
        return loss

    def _differentiate(
        self, batch: Fields, states: States | None, valid: Any, training: bool = True
    ) -> tuple[torch.Tensor, Gradients, States]:
        loss, after = self.loss(batch, states, valid, training)
        tensors = [variable.value for variable in self.variables.values()]
        gradients = torch.autograd.grad(loss, tensors, materialize_grads=True)
        ended = keras.tree.map_structure(lambda state: state.detach(), after)
        return loss.detach(), list(gradients), ended

    def _fields(self, batch: Batch) -> dict[str, torch.Tensor]:
        return {name: self._tensor(field) for name, field in batch.items()}

    def _tensor(self, field: Array) -> torch.Tensor:
        # cross_entropy takes int64 class ids
        dtype = np.int64 if field.dtype == np.int32 else field.dtype
        return torch.from_numpy(np.ascontiguousarray(field, dtype)).to(self.device)
