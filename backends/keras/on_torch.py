"""Keras on PyTorch: an eager loop of forward, backward and an optimizer step."""

from typing import Any

import numpy as np
import torch

from compare.contracts import Array, Device, Weights

from .model import Model


def set_up(threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # as XLA does by default
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def set_precision(precision: str) -> None:
    """Nothing to switch on: torch has float64 as it is."""


def devices() -> list[Device]:
    found = [Device("cpu")]
    if torch.backends.mps.is_available():
        found.append(Device("mps"))
    return found + [
        Device("cuda", index, torch.cuda.get_device_name(index))
        for index in range(torch.cuda.device_count())
    ]


class Steps:
    def __init__(self, model: Model, optimizer: Any, loss: Any, device: Device) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.device = torch.device(device.label)
        self.reset()

    def reset(self) -> None:
        self.states = self.model.zero_states()

    def weights(self) -> Weights:
        return {
            name: value.value.detach().cpu().numpy().copy()
            for name, value in self.model.variables.items()
        }

    def train(self, inputs: Array, targets: Array, rates: Array) -> Array:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        x, y = self._tokens(inputs), self._tokens(targets)
        losses = [self._step(x[i], y[i], float(rates[i])) for i in range(len(rates))]
        fetched: Array = torch.stack(losses).cpu().numpy()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # the last update is later than the last loss
        return fetched

    def gradients(self, inputs: Array, targets: Array) -> Any:
        loss, _ = self._loss(self._tokens(inputs), self._tokens(targets), self.model.zero_states())
        return torch.autograd.grad(loss, self._tensors())

    def logits(self, inputs: Array) -> Any:
        with torch.no_grad():
            found = self.model.keras([self._tokens(inputs), *self.model.zero_states()])
            return self.model.outputs(found)[0]

    def peak_bytes(self) -> int | None:
        if self.device.type != "cuda":
            return None
        return int(torch.cuda.max_memory_allocated(self.device))

    def _step(self, x: Any, y: Any, rate: float) -> Any:
        loss, after = self._loss(x, y, self.states)
        gradients = torch.autograd.grad(loss, self._tensors())
        self.optimizer.learning_rate = rate
        with torch.no_grad():
            self.optimizer.apply(list(gradients), self.model.trainable())
        self.states = [
            new.detach() if carry else torch.zeros_like(new)
            for new, carry in zip(after, self.model.carries, strict=True)
        ]
        return loss.detach()

    def _loss(self, x: Any, y: Any, states: list[Any]) -> Any:
        found = self.model.keras([x, *states], training=True)
        logits, *after = self.model.outputs(found)
        return self.loss(y, logits), after

    def _tensors(self) -> list[torch.Tensor]:
        return [variable.value for variable in self.model.trainable()]

    def _tokens(self, ids: Array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(ids, np.int64)).to(self.device)
