"""Attention and the transformer block, on scaled_dot_product_attention."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compare.spec import CrossAttention, TransformerBlock

from .layers import Canonical, Context, DropoutLayer, Linear, NormLayer


class SelfAttention(nn.Module):
    def __init__(self, spec: TransformerBlock, bf16: bool) -> None:
        super().__init__()
        self.spec, self.name, self.bf16 = spec, f"{spec.name}.attention", bf16
        self.norm = NormLayer(f"{self.name}.norm", spec.norm, spec.width, spec.epsilon)
        self.qkv = Linear(spec.width, 3 * spec.width, bf16)
        self.out = Linear(spec.width, spec.width, bf16)
        self.dropout = DropoutLayer(self.name, spec.dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        projected = self.qkv(self.norm(x, context))  # (batch, time, 3 width)
        q, k, v = (split_heads(part, self.spec.heads) for part in projected.chunk(3, -1))
        if self.spec.rotary:
            q, k = rotated(q), rotated(k)
        y = attend(q, k, v, context.mask, self.spec.causal, self.bf16)
        return x + self.dropout(self.out(merge_heads(y)), context)

    def canonical(self) -> Canonical:
        return {
            **self.norm.canonical(),
            **self.qkv.canonical(f"{self.name}.qkv"),
            **self.out.canonical(f"{self.name}.out"),
        }


class CrossAttentionLayer(nn.Module):
    def __init__(self, spec: CrossAttention, bf16: bool) -> None:
        super().__init__()
        self.spec, self.name, self.bf16 = spec, spec.name, bf16
        self.norm = NormLayer(f"{self.name}.norm", spec.norm, spec.width, spec.epsilon)
        self.query = Linear(spec.width, spec.width, bf16)
        self.key_value = Linear(spec.memory, 2 * spec.width, bf16)
        self.out = Linear(spec.width, spec.width, bf16)
        self.dropout = DropoutLayer(self.name, spec.dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        q = split_heads(self.query(self.norm(x, context)), self.spec.heads)
        both = self.key_value(context.memory).chunk(2, -1)  # each (batch, source time, width)
        k, v = (split_heads(part, self.spec.heads) for part in both)
        y = attend(q, k, v, context.memory_mask, False, self.bf16)
        return x + self.dropout(self.out(merge_heads(y)), context)

    def canonical(self) -> Canonical:
        return {
            **self.norm.canonical(),
            **self.query.canonical(f"{self.name}.query"),
            **self.key_value.canonical(f"{self.name}.key_value"),
            **self.out.canonical(f"{self.name}.out"),
        }


class FeedForward(nn.Module):
    def __init__(self, spec: TransformerBlock, bf16: bool) -> None:
        super().__init__()
        self.name = f"{spec.name}.feedforward"
        self.norm = NormLayer(f"{self.name}.norm", spec.norm, spec.width, spec.epsilon)
        self.inside = Linear(spec.width, spec.hidden, bf16)
        self.out = Linear(spec.hidden, spec.width, bf16)
        self.dropout = DropoutLayer(self.name, spec.dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        # The tanh form: torch's default is the exact one.
        inside = F.gelu(self.inside(self.norm(x, context)), approximate="tanh")
        return x + self.dropout(self.out(inside), context)

    def canonical(self) -> Canonical:
        return {
            **self.norm.canonical(),
            **self.inside.canonical(f"{self.name}.in"),
            **self.out.canonical(f"{self.name}.out"),
        }


class Block(nn.Module):
    def __init__(self, spec: TransformerBlock, bf16: bool) -> None:
        super().__init__()
        cross = spec.cross()
        self.attention = SelfAttention(spec, bf16)
        self.cross = CrossAttentionLayer(cross, bf16) if cross else None
        self.feedforward = FeedForward(spec, bf16)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        x = self.attention(x, context)
        if self.cross is not None:
            x = self.cross(x, context)
        return self.feedforward(x, context)

    def canonical(self) -> Canonical:
        return {
            **self.attention.canonical(),
            **(self.cross.canonical() if self.cross else {}),
            **self.feedforward.canonical(),
        }


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, bf16: bool
) -> Tensor:
    """Attention of (batch, heads, time, head_dim); `mask` is over the keys, (batch, time)."""
    if bf16:
        q, k, v = q.bfloat16(), k.bfloat16(), v.bfloat16()
    visible = None if mask is None else mask[:, None, None, :]
    if causal and visible is not None:  # is_causal and attn_mask exclude each other
        visible = visible & torch.ones(q.shape[-2:-1] * 2, dtype=torch.bool, device=q.device).tril()
    y = F.scaled_dot_product_attention(q, k, v, visible, is_causal=causal and visible is None)
    return y.float() if bf16 else y


def rotated(x: Tensor) -> Tensor:
    """Each pair of halves turned by its position's angle; (batch, heads, time, head_dim)."""
    time, half = x.shape[-2], x.shape[-1] // 2
    # On the CPU, which has float64 everywhere: an angle of 1,000 needs its digits.
    rates = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(time, dtype=torch.float64)[:, None] * rates
    cos, sin = angles.cos().to(x), angles.sin().to(x)
    x1, x2 = x.chunk(2, -1)
    return torch.cat([x1 * cos - x2 * sin, x2 * cos + x1 * sin], -1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(batch, time, width) -> (batch, heads, time, head_dim)"""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(batch, heads, time, head_dim) -> (batch, time, width)"""
    return x.transpose(1, 2).flatten(-2)
