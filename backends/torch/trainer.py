"""Training with PyTorch: a plain loop of forward, backward and a fused optimiser step."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Weights
from compare.spec import Experiment, OptimizerSpec

from .layers import Model, State

DTYPES = {"fp32": torch.float32, "fp64": torch.float64}


class TorchTrainer:
    def __init__(self, experiment: Experiment, device: Device, compiled: bool) -> None:
        self.device = torch.device(device.label)
        self.spec = experiment
        self.dtype = DTYPES[experiment.train.precision]
        self.model = Model(experiment.model, compiled).to(self.device, self.dtype)
        self.parameters = self.model.canonical()
        self.carries = [getattr(layer, "carry_state", False) for layer in experiment.model.layers]
        self.states = self.model.zero_states()
        self.optimizer = _optimizer(experiment.optimizer, self._trainable())
        self.loss = torch.compile(self._loss, dynamic=False) if compiled else self._loss

    def _trainable(self) -> list[Tensor]:
        return [parameter for parameter, _ in self.parameters.values()]

    def load(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, (parameter, transposed) in self.parameters.items():
                value = torch.from_numpy(np.array(weights[name]))
                parameter.copy_(value.T if transposed else value)
        self.optimizer = _optimizer(self.spec.optimizer, self._trainable())
        self.states = self.model.zero_states()

    def weights(self) -> Weights:
        return {
            name: _canonical(parameter.detach(), transposed)
            for name, (parameter, transposed) in self.parameters.items()
        }

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        inputs, targets = self._tokens(batches["inputs"]), self._tokens(batches["targets"])
        losses = []
        for x, y, rate in zip(inputs, targets, learning_rates, strict=True):
            loss, states = self.loss(x, y, self.states)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for group in self.optimizer.param_groups:
                group["lr"] = float(rate)
            self.optimizer.step()
            self.states = [
                state.detach() if state is not None and carry else None
                for state, carry in zip(states, self.carries, strict=True)
            ]
            losses.append(loss.detach())
        fetched: Array = torch.stack(losses).cpu().numpy()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # the last update is later than the last loss
        return fetched

    def gradients(self, batch: Batch) -> Weights:
        x, y = self._tokens(batch["inputs"]), self._tokens(batch["targets"])
        loss, _ = self._loss(x, y, self.model.zero_states())
        found = torch.autograd.grad(loss, self._trainable())
        return {
            name: _canonical(gradient, transposed)
            for (name, (_, transposed)), gradient in zip(
                self.parameters.items(), found, strict=True
            )
        }

    def logits(self, batch: Batch) -> Array:
        with torch.no_grad():
            logits, _ = self.model(self._tokens(batch["inputs"]), self.model.zero_states())
        fetched: Array = logits.cpu().numpy()
        return fetched

    def memory(self) -> DeviceMemory:
        if self.device.type != "cuda":
            return DeviceMemory()
        return DeviceMemory(torch.cuda.max_memory_allocated(self.device))

    def _loss(self, x: Tensor, y: Tensor, states: list[State]) -> tuple[Tensor, list[State]]:
        logits, states = self.model(x, states)  # (batch, time, vocab)
        return F.cross_entropy(logits.flatten(0, -2), y.flatten()), states

    def _tokens(self, ids: Array) -> Tensor:
        # cross_entropy takes int64 class ids
        return torch.from_numpy(np.ascontiguousarray(ids, np.int64)).to(self.device)


def _optimizer(spec: OptimizerSpec, parameters: list[Tensor]) -> torch.optim.Optimizer:
    options: dict[str, Any] = {"lr": spec.learning_rate, "fused": True}
    if spec.name == "sgd":
        return torch.optim.SGD(parameters, momentum=spec.momentum, **options)
    betas = (spec.beta1, spec.beta2)
    return torch.optim.Adam(parameters, betas=betas, eps=spec.epsilon, **options)


def _canonical(value: Tensor, transposed: bool) -> Array:
    array: Array = (value.T if transposed else value).cpu().numpy().copy()
    return array
