"""The plain PyTorch loop: nn.Embedding, nn.RNN and nn.Linear, a fused Adam, eager."""

import os
from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Unsupported, Weights
from compare.spec import Experiment


class TorchNative:
    name = "torch-native"
    modes = ("loop",)
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)

    def versions(self) -> dict[str, str]:
        import torch

        return {"torch": torch.__version__}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> "Loop":
        return Loop(experiment)


class Loop:
    def __init__(self, experiment: Experiment) -> None:
        from torch import nn

        embedding, rnn, _ = experiment.model.layers
        self.adam = experiment.optimizer
        self.embedding = nn.Embedding(embedding.vocab, embedding.dim)
        self.rnn = nn.RNN(rnn.inputs, rnn.hidden, rnn.layers)  # time first: its native layout
        self.head = nn.Linear(rnn.hidden, embedding.vocab)
        self.places: dict[str, Any] = {
            "embedding.table": self.embedding.weight,
            "head.kernel": self.head.weight.T,
            "head.bias": self.head.bias,
        }
        for index in range(rnn.layers):
            self.places[f"rnn.{index}.kernel"] = getattr(self.rnn, f"weight_ih_l{index}").T
            self.places[f"rnn.{index}.recurrent"] = getattr(self.rnn, f"weight_hh_l{index}").T
            self.places[f"rnn.{index}.bias"] = getattr(self.rnn, f"bias_ih_l{index}")
            # The model has one bias per layer, torch two: the second stays at zero.
            nn.init.zeros_(getattr(self.rnn, f"bias_hh_l{index}").requires_grad_(False))

    def load(self, weights: Weights) -> None:
        import torch

        with torch.no_grad():
            for name, place in self.places.items():
                place.copy_(torch.from_numpy(np.array(weights[name])))
        self.parameters = [
            parameter
            for module in (self.embedding, self.rnn, self.head)
            for parameter in module.parameters()
            if parameter.requires_grad
        ]
        betas = (self.adam.beta1, self.adam.beta2)
        self.optimizer = torch.optim.Adam(
            self.parameters, self.adam.learning_rate, betas, self.adam.epsilon, fused=True
        )
        self.state = None

    def weights(self) -> Weights:
        return {name: place.detach().numpy().copy() for name, place in self.places.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        import torch
        from torch.nn import functional as F

        x, y = (
            torch.from_numpy(batches[field]).long().transpose(1, 2).contiguous()
            for field in ("inputs", "targets")
        )
        losses = []
        for inputs, targets in zip(x, y, strict=True):  # (time, batch)
            hidden, state = self.rnn(self.embedding(inputs), self.state)
            loss = F.cross_entropy(self.head(hidden).flatten(0, 1), targets.flatten())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.state = state.detach()
            losses.append(loss.detach())
        fetched: Array = torch.stack(losses).numpy()
        return fetched

    def gradients(self, batch: Batch) -> Weights:
        raise Unsupported("gradients")

    def logits(self, batch: Batch) -> Array:
        import torch

        with torch.no_grad():
            inputs = torch.from_numpy(batch["inputs"]).long().T
            fetched: Array = self.head(self.rnn(self.embedding(inputs))[0]).transpose(0, 1).numpy()
        return fetched

    def memory(self) -> DeviceMemory:
        return DeviceMemory()


backend = TorchNative()
