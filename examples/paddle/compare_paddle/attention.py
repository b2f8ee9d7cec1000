"""Attention and the transformer block, on paddle's scaled_dot_product_attention."""

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from compare import spec as specs

from .layers import Context, Dropout, Linear, Norm, number


class Branch(nn.Layer):
    """x + dropout(out(inside(norm(x)))); what is inside is the subclass's own."""

    def __init__(
        self, name: str, spec: specs.TransformerBlock | specs.CrossAttention, inside: int
    ) -> None:
        super().__init__()
        self.norm = Norm(f"{name}.norm", spec.width, spec.epsilon, spec.norm == "layer")
        self.out = Linear(f"{name}.out", inside, spec.width)
        self.dropout = Dropout(name, spec.dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        inside = self.inside(self.norm(x, context), context)
        return x + self.dropout(self.out(inside), context)


class SelfAttention(Branch):
    def __init__(self, spec: specs.TransformerBlock) -> None:
        name = f"{spec.name}.attention"
        super().__init__(name, spec, spec.width)
        self.spec, self.qkv = spec, Linear(f"{name}.qkv", spec.width, 3 * spec.width)

    def inside(self, x: Tensor, context: Context) -> Tensor:
        q, k, v = split_heads(self.qkv(x), 3, self.spec.heads)
        if self.spec.rotary:
            q, k = rotated(q), rotated(k)
        visible = None if context.mask is None else context.mask[:, None, None, :]
        if self.spec.causal:
            causal = paddle.to_tensor(np.tril(np.ones((1, 1, x.shape[1], x.shape[1]), bool)))
            visible = causal if visible is None else paddle.logical_and(causal, visible)
        return attend(q, k, v, visible)


class CrossAttention(Branch):
    def __init__(self, spec: specs.CrossAttention) -> None:
        super().__init__(spec.name, spec, spec.width)
        self.heads = spec.heads
        self.query = Linear(f"{spec.name}.query", spec.width, spec.width)
        self.key_value = Linear(f"{spec.name}.key_value", spec.memory, 2 * spec.width)

    def inside(self, x: Tensor, context: Context) -> Tensor:
        (q,) = split_heads(self.query(x), 1, self.heads)
        k, v = split_heads(self.key_value(context.memory), 2, self.heads)
        mask = context.batch.get("source_mask")
        return attend(q, k, v, None if mask is None else mask[:, None, None, :])


class FeedForward(Branch):
    def __init__(self, spec: specs.TransformerBlock) -> None:
        name = f"{spec.name}.feedforward"
        super().__init__(name, spec, spec.hidden)
        self.first = Linear(f"{name}.in", spec.width, spec.hidden)

    def inside(self, x: Tensor, context: Context) -> Tensor:
        return F.gelu(self.first(x), approximate=True)  # the tanh form


class Block(nn.Layer):
    def __init__(self, spec: specs.TransformerBlock) -> None:
        super().__init__()
        cross = spec.cross()
        between = [CrossAttention(cross)] if cross else []
        self.branches = nn.LayerList([SelfAttention(spec), *between, FeedForward(spec)])

    def forward(self, x: Tensor, context: Context) -> Tensor:
        for branch in self.branches:
            x = branch(x, context)
        return x


def attend(q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None) -> Tensor:
    """Attention of (batch, time, heads, head_dim), as (batch, time, width)."""
    scaled = q * number(q.shape[-1] ** -0.5, q)
    return F.scaled_dot_product_attention(scaled, k, v, visible, scale=1.0).flatten(2)


def rotated(x: Tensor) -> Tensor:
    """Each pair of halves turned by its position's angle; (batch, time, heads, head_dim)."""
    time, half = x.shape[1], x.shape[-1] // 2
    rates = 10000.0 ** (-np.arange(half) / half)
    angles = (np.arange(time)[:, None] * rates)[:, None, :]  # (time, 1, half), in float64
    cos, sin = (paddle.to_tensor(f(angles), x.dtype) for f in (np.cos, np.sin))
    x1, x2 = paddle.chunk(x, 2, -1)
    return paddle.concat([x1 * cos - x2 * sin, x2 * cos + x1 * sin], -1)


def split_heads(x: Tensor, parts: int, heads: int) -> list[Tensor]:
    """(batch, time, parts * width) -> each part as (batch, time, heads, head_dim)"""
    return [part.unflatten(-1, [heads, -1]) for part in paddle.chunk(x, parts, -1)]
