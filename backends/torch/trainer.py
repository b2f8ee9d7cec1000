"""Training with PyTorch: a plain loop of forward, backward and a fused optimiser step."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module
from torch.nn import functional as F

from compare.contracts import (
    Array,
    Batch,
    Batches,
    Device,
    DeviceMemory,
    Group,
    Unsupported,
    Weights,
)
from compare.spec import Experiment, Precision

from .model import Model
from .optimizer import clip_gradients, optimizer_of
from .ranks import Replica
from .recurrent import State

_IGNORED = -100  # cross_entropy leaves out targets of this value
Fields = Mapping[str, Tensor]


class TorchTrainer:
    def __init__(
        self, experiment: Experiment, device: Device, compiled: bool, group: Group | None = None
    ) -> None:
        self.device = torch.device(device.label)
        self.spec, self.train_spec = experiment, experiment.train
        precision = self.train_spec.dtype
        _set_precision(precision, self.device)
        self.dtype = torch.float64 if precision == "fp64" else torch.float32
        model = Model(experiment.model, compiled, bf16=precision == "bf16")
        self.model = model.to(self.device, self.dtype)
        self.entries = self.model.canonical()
        self.parameters = list({id(e.tensor): e.tensor for e in self.entries.values()}.values())
        self.carries = [getattr(layer, "carry_state", False) for layer in experiment.model.layers]
        self.native_dropout = self.train_spec.dropout_masks == "native"
        self.replica = Replica(self.model, group, compiled) if group else None
        self.loss = torch.compile(self._loss, dynamic=False) if compiled else self._loss
        if self.replica and not compiled:
            self.loss = partial(self._loss, model=self.replica.module)

    def load(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, entry in self.entries.items():
                entry.view(entry.tensor).copy_(torch.from_numpy(np.array(weights[name])))
        self.optimizer = optimizer_of(self.spec.optimizer, self.parameters)
        zeros = self.model.zero_states()
        self.states = [zeros for _ in range(self.train_spec.accumulation)]  # of each micro-batch
        torch.manual_seed(self.train_spec.seed)

    def weights(self) -> Weights:
        return self._canonical([parameter.detach() for parameter in self.parameters])

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        fields = self._fields(batches)
        losses = []
        for index, rate in enumerate(learning_rates):
            batch = {name: field[index] for name, field in fields.items()}
            losses.append(self._step(batch, float(rate)))
        fetched: Array = torch.stack(losses).cpu().numpy()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # the last update is later than the last loss
        return fetched

    def gradients(self, batch: Batch) -> Weights:
        fields = self._fields(batch)
        valid = self._valid(fields)
        loss, _ = self._loss(fields, valid, self.model.zero_states(), False)
        return self._canonical(torch.autograd.grad(loss, self.parameters))

    def logits(self, batch: Batch) -> Array:
        with torch.no_grad():
            logits, _ = self.model(self._fields(batch), self.model.zero_states())
        fetched: Array = logits.cpu().numpy()
        return fetched

    def memory(self) -> DeviceMemory:
        if self.device.type != "cuda":
            return DeviceMemory()
        return DeviceMemory(torch.cuda.max_memory_allocated(self.device))

    def _step(self, batch: Fields, rate: float) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        valid, losses = self._valid(batch), []
        for index, part in enumerate(self._micro_batches(batch)):
            with self._talking(index):
                loss, states = self.loss(part, valid, self.states[index], self.native_dropout)
                loss.backward()
            self.states[index] = [
                _detached(state) if carry else None
                for state, carry in zip(states, self.carries, strict=True)
            ]
            losses.append(loss.detach())
        if self.replica:
            self.replica.add_up(self.parameters)
        if self.spec.optimizer.clip_norm is not None:
            clip_gradients(self.parameters, self.spec.optimizer.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _talking(self, micro_batch: int) -> AbstractContextManager[None]:
        """In which a micro-batch is worked off: by one rank of several, with what comes after."""
        if self.replica is None:
            return nullcontext()
        return self.replica.backward_of(last=micro_batch == self.train_spec.accumulation - 1)

    def _loss(
        self,
        batch: Fields,
        valid: Tensor,
        states: list[State],
        native_dropout: bool,
        model: Module | None = None,
    ) -> tuple[Tensor, list[State]]:
        """The batch's share of a loss over `valid` targets, and the states after it."""
        called = self.model if model is None else model
        logits, states = called(batch, states, native_dropout)  # (batch, time, vocab)
        total = F.cross_entropy(
            logits.flatten(0, -2), batch["targets"].flatten(),
            ignore_index=_IGNORED, reduction="sum",
        )  # fmt: skip
        return total / valid, states

    def _valid(self, batch: Fields) -> Tensor:
        """The number of valid targets of a batch: of one rank's rows, that of all ranks."""
        if "count" in batch:
            return batch["count"].to(self.dtype)
        return (batch["targets"] != _IGNORED).sum()

    def _micro_batches(self, batch: Fields) -> Iterator[Fields]:
        parts = self.train_spec.accumulation
        rows = self.train_spec.batch // parts
        for first in range(0, parts * rows, rows):
            yield {name: field[first : first + rows] for name, field in batch.items() if field.ndim}

    def _fields(self, batch: Batch) -> dict[str, Tensor]:
        fields = {name: self._tensor(field) for name, field in batch.items()}
        if "targets_mask" in fields:
            mask = fields.pop("targets_mask")
            fields["targets"] = fields["targets"].masked_fill(~mask, _IGNORED)
        return fields

    def _tensor(self, field: Array) -> Tensor:
        # cross_entropy takes int64 class ids
        dtype = np.int64 if field.dtype == np.int32 else field.dtype
        return torch.from_numpy(np.ascontiguousarray(field, dtype)).to(self.device)

    def _canonical(self, values: Any) -> Weights:
        """Arrays by canonical name, of tensors shaped like `self.parameters`."""
        own = {id(p): value for p, value in zip(self.parameters, values, strict=True)}
        return {
            name: entry.view(own[id(entry.tensor)]).cpu().numpy().copy()
            for name, entry in self.entries.items()
        }


def _set_precision(precision: Precision, device: torch.device) -> None:
    if precision == "tf32" and device.type != "cuda":
        raise Unsupported("tf32 on this device: it takes an NVIDIA GPU")
    # torch has TF32 off in matrix products, and on inside cuDNN.
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def _detached(state: State) -> State:
    if state is None:
        return None
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
