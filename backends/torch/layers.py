"""The plain layers as torch modules.

Each is called as `layer(x, context)`. `canonical()` of a module pairs each canonical parameter
name with the module's own parameter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compare.spec import (
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Pool,
    PositionalEmbedding,
    RMSNorm,
    TiedHead,
    field_of,
)


class Entry(NamedTuple):
    """Where a canonical parameter lives: in a tensor, or in some of its rows, transposed or not."""

    tensor: Tensor
    transposed: bool = False
    rows: slice = slice(None)

    def view(self, value: Tensor) -> Tensor:
        """The canonical part of `value`, which is shaped like the tensor; shares its memory."""
        part = value[self.rows]
        return part.T if self.transposed else part


Canonical = dict[str, Entry]


@dataclass(frozen=True)
class Context:
    """What a layer may look at besides its input.

    `mask` says which positions of its side are valid, (batch, time) bool; `memory` is the
    encoder's output (batch, time, width). `native_dropout`: draw masks here and now.
    """

    batch: Mapping[str, Tensor]
    native_dropout: bool = False
    mask: Tensor | None = None
    memory: Tensor | None = None
    memory_mask: Tensor | None = None


class Linear(nn.Linear):
    """nn.Linear whose product, in bf16, takes operands rounded to bfloat16.

    Not torch.autocast, which leaves the result and what follows in bfloat16.
    """

    def __init__(self, inputs: int, outputs: int, bf16: bool, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias)
        self.bf16 = bf16

    def forward(self, x: Tensor) -> Tensor:
        if not self.bf16:
            return super().forward(x)
        y = F.linear(x.bfloat16(), self.weight.bfloat16()).float()
        return y if self.bias is None else y + self.bias

    def canonical(self, name: str) -> Canonical:
        return {
            f"{name}.kernel": Entry(self.weight, transposed=True),
            f"{name}.bias": Entry(self.bias),
        }


class EmbeddingLayer(nn.Module):
    def __init__(self, spec: Embedding) -> None:
        super().__init__()
        self.name, self.embedding = spec.name, nn.Embedding(spec.vocab, spec.dim)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self.embedding(x)  # (batch, time) -> (batch, time, dim)

    def canonical(self) -> Canonical:
        return {f"{self.name}.table": Entry(self.embedding.weight)}


class PositionalLayer(nn.Module):
    def __init__(self, spec: PositionalEmbedding) -> None:
        super().__init__()
        self.name, self.embedding = spec.name, nn.Embedding(spec.length, spec.dim)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return x + self.embedding.weight[: x.shape[1]]

    def canonical(self) -> Canonical:
        return {f"{self.name}.table": Entry(self.embedding.weight)}


class TiedHeadLayer(nn.Module):
    """Shares its weight with an embedding, as a head and an embedding share theirs in GPT-2."""

    def __init__(self, spec: TiedHead, table: nn.Parameter, bf16: bool) -> None:
        super().__init__()
        self.linear = Linear(table.shape[1], table.shape[0], bf16, bias=False)
        self.linear.weight = table

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self.linear(x)

    def canonical(self) -> Canonical:
        return {}


class DenseLayer(nn.Module):
    def __init__(self, spec: Dense, bf16: bool) -> None:
        super().__init__()
        self.name, self.linear = spec.name, Linear(spec.inputs, spec.outputs, bf16)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self.linear(x)

    def canonical(self) -> Canonical:
        return self.linear.canonical(self.name)


class NormLayer(nn.Module):
    def __init__(self, name: str, norm: str, width: int, epsilon: float) -> None:
        super().__init__()
        self.name = name
        kind = nn.LayerNorm if norm == "layer" else nn.RMSNorm
        self.norm = kind(width, eps=epsilon)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self.norm(x)

    def canonical(self) -> Canonical:
        found = {f"{self.name}.scale": Entry(self.norm.weight)}
        if isinstance(self.norm, nn.LayerNorm):
            found[f"{self.name}.shift"] = Entry(self.norm.bias)
        return found


class DropoutLayer(nn.Module):
    """Drops by the batch's own mask, so that every backend drops the same values."""

    def __init__(self, name: str, rate: float) -> None:
        super().__init__()
        self.field, self.rate = field_of(name), rate

    def forward(self, x: Tensor, context: Context) -> Tensor:
        if self.field in context.batch:
            return x * context.batch[self.field] / (1 - self.rate)
        return F.dropout(x, self.rate, training=context.native_dropout)

    def canonical(self) -> Canonical:
        return {}


class PoolLayer(nn.Module):
    """(batch, time, width) -> (batch, 1, width) over the valid positions."""

    def __init__(self, spec: Pool) -> None:
        super().__init__()
        self.how = spec.how

    def forward(self, x: Tensor, context: Context) -> Tensor:
        mask = context.mask
        valid = (torch.ones_like(x[..., 0], dtype=torch.bool) if mask is None else mask)[..., None]
        count = valid.sum(1, keepdim=True)  # (batch, 1, 1)
        if self.how == "mean":
            return (x * valid).sum(1, keepdim=True) / count
        if self.how == "max":
            return x.masked_fill(~valid, -torch.inf).amax(1, keepdim=True)
        return x.take_along_dim(count - 1, 1)

    def canonical(self) -> Canonical:
        return {}


def plain_layer_of(spec: object, bf16: bool) -> nn.Module | None:
    """The module that a spec describes, if it is one of these that need no other layer."""
    match spec:
        case Embedding():
            return EmbeddingLayer(spec)
        case PositionalEmbedding():
            return PositionalLayer(spec)
        case Dense():
            return DenseLayer(spec, bf16)
        case LayerNorm():
            return NormLayer(spec.name, "layer", spec.width, spec.epsilon)
        case RMSNorm():
            return NormLayer(spec.name, "rms", spec.width, spec.epsilon)
        case Dropout():
            return DropoutLayer(spec.name, spec.rate)
        case Pool():
            return PoolLayer(spec)
    return None
