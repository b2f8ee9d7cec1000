"""The plain PyTorch loop: nn.Embedding, nn.RNN and nn.Linear, a fused Adam, eager."""

import os
from importlib.metadata import version
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
        return {"torch": version("torch")}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> "Loop":
        return Loop(experiment)


class Loop:
    def __init__(self, experiment: Experiment) -> None:
        from torch import nn

        sizes: Any = experiment.model.layers
        embedding, rnn, head = sizes
        self.adam = experiment.optimizer
        self.embedding = nn.Embedding(embedding.vocab, embedding.dim)
        self.rnn = nn.RNN(rnn.inputs, rnn.hidden, rnn.layers)  # time first: its own layout
        self.head = nn.Linear(head.inputs, head.outputs)
        self.places = {
            "embedding.table": self.embedding.weight,
            "head.kernel": self.head.weight.T,
            "head.bias": self.head.bias,
        }
        for i, (kernel, recurrent, bias, second_bias) in enumerate(self.rnn.all_weights):
            self.places |= {f"rnn.{i}.kernel": kernel.T, f"rnn.{i}.recurrent": recurrent.T}
            self.places[f"rnn.{i}.bias"] = bias
            nn.init.zeros_(second_bias.requires_grad_(False))  # the model has one per layer

    def load(self, weights: Weights) -> None:
        import torch

        with torch.no_grad():
            for name, place in self.places.items():
                place.copy_(torch.from_numpy(np.array(weights[name])))
        modules, adam = torch.nn.ModuleList([self.embedding, self.rnn, self.head]), self.adam
        self.optimizer = torch.optim.Adam(
            [parameter for parameter in modules.parameters() if parameter.requires_grad],
            lr=adam.learning_rate,
            betas=(adam.beta1, adam.beta2),
            eps=adam.epsilon,
            fused=True,
        )
        self.state: Any = None

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
            loss = F.cross_entropy(self.head(hidden.flatten(0, 1)), targets.flatten())
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
            hidden, _ = self.rnn(self.embedding(torch.from_numpy(batch["inputs"]).long().T))
            fetched: Array = self.head(hidden).transpose(0, 1).numpy()
        return fetched

    def memory(self) -> DeviceMemory:
        return DeviceMemory()


backend = TorchNative()
