"""The plain layers, each called as `layer(x, context)`; `entries` say where parameters are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from compare import spec as specs
from compare.contracts import Array


class Entry(NamedTuple):
    """Where a canonical parameter is: in a tensor or its last rows, transposed or not."""

    tensor: Tensor
    transposed: bool = False
    first_row: int = 0

    def canonical(self, value: Array) -> Array:
        """The part of `value`, shaped like the tensor, that is this parameter; shares memory."""
        part = value[self.first_row :]
        return part.T if self.transposed else part


@dataclass(frozen=True)
class Context:
    """What a layer may look at besides its input: `mask` are the valid positions (batch, time) of
    its side, `memory` (batch, source time, width) is the encoder's output."""

    batch: Mapping[str, Tensor]
    native_dropout: bool
    mask: Tensor | None = None
    memory: Tensor | None = None


def number(value: float, x: Tensor) -> Tensor:
    """A number in the type of x: in a program, paddle would make a Python number a float32."""
    return paddle.to_tensor(value, x.dtype)


class Embedding(nn.Layer):
    def __init__(self, spec: specs.Embedding) -> None:
        super().__init__()
        self.table = self.create_parameter([spec.vocab, spec.dim])
        self.entries = {f"{spec.name}.table": Entry(self.table)}

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return F.embedding(x, self.table)  # (batch, time) -> (batch, time, dim)


class Positions(nn.Layer):
    def __init__(self, spec: specs.PositionalEmbedding) -> None:
        super().__init__()
        self.table = self.create_parameter([spec.length, spec.dim])
        self.entries = {f"{spec.name}.table": Entry(self.table)}

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return x + self.table[: x.shape[1]]


class TiedHead(nn.Layer):
    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = table

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return paddle.matmul(x, self.table, transpose_y=True)


class Linear(nn.Linear):
    """paddle keeps the weight as (inputs, outputs), as the comparison does."""

    def __init__(self, name: str, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.entries = {f"{name}.kernel": Entry(self.weight), f"{name}.bias": Entry(self.bias)}


class Dense(Linear):
    def __init__(self, spec: specs.Dense) -> None:
        super().__init__(spec.name, spec.inputs, spec.outputs)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Norm(nn.Layer):
    """Layer norm with a shift, RMS norm without; the epsilon of paddle's own is a float32."""

    def __init__(self, name: str, width: int, epsilon: float, centred: bool) -> None:
        super().__init__()
        self.epsilon, self.shift = epsilon, None
        self.scale = self.create_parameter([width])
        self.entries = {f"{name}.scale": Entry(self.scale)}
        if centred:
            self.shift = self.create_parameter([width], is_bias=True)
            self.entries[f"{name}.shift"] = Entry(self.shift)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        if self.shift is not None:
            x = x - x.mean(-1, keepdim=True)
        variance = (x * x).mean(-1, keepdim=True)
        y = x * paddle.rsqrt(variance + number(self.epsilon, x)) * self.scale
        return y if self.shift is None else y + self.shift


class Dropout(nn.Layer):
    """Drops by the batch's own mask, so that every backend drops the same values."""

    def __init__(self, name: str, rate: float) -> None:
        super().__init__()
        self.field, self.rate = specs.field_of(name), rate

    def forward(self, x: Tensor, context: Context) -> Tensor:
        if self.field in context.batch:
            return x * context.batch[self.field].astype(x.dtype) / number(1 - self.rate, x)
        return F.dropout(x, self.rate, training=context.native_dropout)


class Pool(nn.Layer):
    """(batch, time, width) -> (batch, 1, width) over the valid positions."""

    def __init__(self, spec: specs.Pool) -> None:
        super().__init__()
        self.how = spec.how

    def forward(self, x: Tensor, context: Context) -> Tensor:
        valid = paddle.ones(x.shape[:2], "bool") if context.mask is None else context.mask
        valid = valid.unsqueeze(-1)  # (batch, time, 1)
        count = valid.astype("int64").sum(1, keepdim=True)
        if self.how == "mean":
            return (x * valid.astype(x.dtype)).sum(1, keepdim=True) / count.astype(x.dtype)
        if self.how == "max":
            return paddle.where(valid, x, paddle.full_like(x, -np.inf)).max(1, keepdim=True)
        return paddle.take_along_axis(x, count - 1, 1)
