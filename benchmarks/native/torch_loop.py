"""The plain PyTorch loop: fused nn.RNN, nn.LSTM and attention, a fused optimiser, eager."""

from typing import Any

import numpy as np
import torch
from plain import Plain, architecture
from torch import Tensor, nn
from torch.nn import functional as F

from compare.contracts import Array, Batch, Batches, Weights
from compare.spec import Experiment, OptimizerSpec

LIBRARIES = ("torch",)

torch.set_flush_denormal(True)


class Rnn(nn.Module):
    def __init__(self, embedding: Any, rnn: Any, head: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(embedding.vocab, embedding.dim)
        kind = {"elman": nn.RNN, "lstm": nn.LSTM}[rnn.cell]
        self.rnn = kind(rnn.inputs, rnn.hidden, rnn.layers, batch_first=True)
        self.head = nn.Linear(head.inputs, head.outputs)
        for *_, second_bias in self.rnn.all_weights:  # the model has one per layer
            nn.init.zeros_(second_bias.requires_grad_(False))

    def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        y, state = self.rnn(self.embedding(x), state)
        return self.head(y), state


class Block(nn.Module):
    def __init__(self, spec: Any) -> None:
        super().__init__()
        width, self.heads = spec.width, spec.heads
        self.attention = nn.ModuleDict(
            {
                "norm": nn.LayerNorm(width, spec.epsilon),
                "qkv": nn.Linear(width, 3 * width),
                "out": nn.Linear(width, width),
            }
        )
        self.feedforward = nn.ModuleDict(
            {
                "norm": nn.LayerNorm(width, spec.epsilon),
                "in": nn.Linear(width, spec.hidden),
                "out": nn.Linear(spec.hidden, width),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        part = self.attention
        q, k, v = (
            piece.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for piece in part["qkv"](part["norm"](x)).chunk(3, -1)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + part["out"](y.transpose(1, 2).flatten(2))
        part = self.feedforward
        inner = F.gelu(part["in"](part["norm"](x)), approximate="tanh")
        return x + part["out"](inner)


class Gpt(nn.Module):
    def __init__(self, embedding: Any, positions: Any, *rest: Any) -> None:
        super().__init__()
        *blocks, norm, _ = rest
        self.embedding = nn.Embedding(embedding.vocab, embedding.dim)
        self.positions = nn.Embedding(positions.length, positions.dim)
        self.block = nn.ModuleList(Block(block) for block in blocks)
        self.norm = nn.LayerNorm(norm.width, norm.epsilon)

    def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        y = self.embedding(x) + self.positions.weight[: x.shape[1]]
        for block in self.block:
            y = block(y)
        return F.linear(self.norm(y), self.embedding.weight), ()  # carries no state


MODELS = {"elman": Rnn, "lstm": Rnn, "gpt": Gpt}


class Loop(Plain):
    def __init__(self, experiment: Experiment) -> None:
        self.model = MODELS[architecture(experiment)](*experiment.model.layers)
        self.called: nn.Module = self.model
        self.places = {name: _place(self.model, name) for name in experiment.model.parameters()}
        self.spec = experiment.optimizer

    def load(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, place in self.places.items():
                place.copy_(torch.from_numpy(np.array(weights[name])))
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = _optimizer(self.spec, self.parameters)
        self.state: Any = None

    def weights(self) -> Weights:
        return {name: place.detach().numpy().copy() for name, place in self.places.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        fields = (np.ascontiguousarray(batches[field]) for field in ("inputs", "targets"))
        x, y = (torch.from_numpy(field).long() for field in fields)
        losses = []
        for inputs, targets, rate in zip(x, y, learning_rates.tolist(), strict=True):
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            losses.append(self._step(inputs, targets))
        fetched: Array = torch.stack(losses).numpy()
        return fetched

    def _step(self, x: Tensor, y: Tensor) -> Tensor:
        logits, state = self.called(x, self.state)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        loss.backward()
        if self.spec.clip_norm:
            nn.utils.clip_grad_norm_(self.parameters, self.spec.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()  # at once: the next forward pass reuses the memory
        self.state = _detached(state)
        return loss.detach()

    def logits(self, batch: Batch) -> Array:
        with torch.no_grad():
            logits, _ = self.model(torch.from_numpy(batch["inputs"]).long(), None)
        fetched: Array = logits.numpy()
        return fetched


def _optimizer(spec: OptimizerSpec, parameters: list[Tensor]) -> torch.optim.Optimizer:
    if spec.name == "sgd":
        return torch.optim.SGD(parameters, spec.learning_rate, fused=True)
    options: Any = {"betas": (spec.beta1, spec.beta2), "eps": spec.epsilon, "fused": True}
    if spec.name == "adam":
        return torch.optim.Adam(parameters, spec.learning_rate, **options)
    groups = [  # biases and norms do not decay
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": spec.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, spec.learning_rate, **options)


def _detached(state: Any) -> Any:
    return tuple(map(_detached, state)) if isinstance(state, tuple) else state.detach()


def _place(model: nn.Module, name: str) -> Tensor:
    """Where a canonical parameter lives, in its canonical layout."""
    path, _, last = name.rpartition(".")
    if path.startswith("rnn."):
        own = {"kernel": "weight_ih", "recurrent": "weight_hh", "bias": "bias_ih"}[last]
        path, own = "rnn", f"{own}_l{path.removeprefix('rnn.')}"
    else:
        own = "bias" if last in ("bias", "shift") else "weight"
    parameter = model.get_parameter(f"{path}.{own}")
    return parameter.T if last in ("kernel", "recurrent") else parameter
