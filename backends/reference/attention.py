"""Attention and the transformer block, with their derivatives."""

from typing import Any

import numpy as np

from compare.spec import CrossAttention, TransformerBlock

from .layers import (
    Array,
    Chain,
    Context,
    DenseLayer,
    DropoutLayer,
    Gradients,
    Layer,
    NormLayer,
    State,
    add_to,
)


class Residual:
    """y = x + branch(x)"""

    def __init__(self, *branch: Layer) -> None:
        self.branch = Chain(branch)

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        y, _, kept = self.branch.forward(weights, x, None, context)
        return x + y, state, kept

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        dx, gradients = self.branch.backward(weights, kept, dy)
        return dy + dx, gradients


class Gelu:
    """The tanh form."""

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + t), state, (x, t)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        x, t = kept
        inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
        return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner), {}


class SelfAttention:
    """Queries, keys and values from x itself."""

    def __init__(self, spec: TransformerBlock) -> None:
        self.qkv = DenseLayer(f"{spec.name}.attention.qkv")
        self.heads, self.causal, self.rotary = spec.heads, spec.causal, spec.rotary

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        projected, _, kept = self.qkv.forward(weights, x, None, context)
        q, k, v = (self._split(part) for part in np.split(projected, 3, axis=-1))
        if self.rotary:
            q, k = rotated(q), rotated(k)
        y, p = attend(q, k, v, self._visible(x.shape[1], context.mask))
        return merge_heads(y), state, (kept, q, k, v, p)

    def _split(self, x: Array) -> Array:
        return split_heads(x, self.heads)

    def _visible(self, time: int, mask: Array | None) -> Array:
        """Which key each query sees, broadcasting to (batch, heads, time, time)."""
        seen = np.tril(np.ones((time, time), bool)) if self.causal else np.ones((1, 1), bool)
        return seen if mask is None else seen & mask[:, None, None, :]

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        kept, q, k, v, p = kept
        dq, dk, dv = attend_back(q, k, v, p, self._split(dy))
        if self.rotary:
            dq, dk = rotated(dq, back=True), rotated(dk, back=True)
        dprojected = np.concatenate([merge_heads(d) for d in (dq, dk, dv)], axis=-1)
        return self.qkv.backward(weights, kept, dprojected)


class AttentionToMemory:
    """Queries from x, keys and values from the encoder's output."""

    def __init__(self, spec: CrossAttention) -> None:
        self.query = DenseLayer(f"{spec.name}.query")
        self.key_value = DenseLayer(f"{spec.name}.key_value")
        self.heads = spec.heads

    def forward(
        self, weights: Gradients, x: Array, state: State, context: Context
    ) -> tuple[Array, State, Any]:
        memory = context.memory
        assert memory is not None  # ModelSpec refuses this layer without an encoder
        q, _, of_x = self.query.forward(weights, x, None, context)
        both, _, of_memory = self.key_value.forward(weights, memory.value, None, context)
        q, k, v = (split_heads(part, self.heads) for part in (q, *np.split(both, 2, axis=-1)))
        visible = True if memory.mask is None else memory.mask[:, None, None, :]
        y, p = attend(q, k, v, np.asarray(visible))
        return merge_heads(y), state, (memory, of_x, of_memory, q, k, v, p)

    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        memory, of_x, of_memory, q, k, v, p = kept
        dq, dk, dv = attend_back(q, k, v, p, split_heads(dy, self.heads))
        dx, gradients = self.query.backward(weights, of_x, merge_heads(dq))
        both = np.concatenate([merge_heads(dk), merge_heads(dv)], axis=-1)
        dmemory, found = self.key_value.backward(weights, of_memory, both)
        memory.gradient += dmemory
        add_to(gradients, found)
        return dx, gradients


def cross_attention(spec: CrossAttention) -> Layer:
    """norm, attention to the encoder's output, projection and dropout, around x."""
    return Residual(
        NormLayer(f"{spec.name}.norm", spec.epsilon, spec.norm == "layer"),
        AttentionToMemory(spec),
        DenseLayer(f"{spec.name}.out"),
        DropoutLayer(spec.name, spec.dropout),
    )


def transformer_block(spec: TransformerBlock) -> Layer:
    """Self-attention, cross-attention if there is an encoder, feed-forward."""
    attention, feedforward = f"{spec.name}.attention", f"{spec.name}.feedforward"
    centred, cross = spec.norm == "layer", spec.cross()
    return Chain(
        [
            Residual(
                NormLayer(f"{attention}.norm", spec.epsilon, centred),
                SelfAttention(spec),
                DenseLayer(f"{attention}.out"),
                DropoutLayer(attention, spec.dropout),
            ),
            *([cross_attention(cross)] if cross else []),
            Residual(
                NormLayer(f"{feedforward}.norm", spec.epsilon, centred),
                DenseLayer(f"{feedforward}.in"),
                Gelu(),
                DenseLayer(f"{feedforward}.out"),
                DropoutLayer(feedforward, spec.dropout),
            ),
        ]
    )


def attend(q: Array, k: Array, v: Array, visible: Array) -> tuple[Array, Array]:
    """softmax(q k^T / sqrt(head_dim)) v and the softmax; all (batch, heads, time, head_dim)."""
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    scores = np.where(visible, scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return p @ v, p


def attend_back(q: Array, k: Array, v: Array, p: Array, dy: Array) -> tuple[Array, Array, Array]:
    """Gradients of q, k and v."""
    dp = dy @ v.swapaxes(-1, -2)
    dscores = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
    return dscores @ k, dscores.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy


def rotated(x: Array, back: bool = False) -> Array:
    """Each pair of halves turned by its position's angle; (batch, heads, time, head_dim)."""
    time, half = x.shape[-2], x.shape[-1] // 2
    angles = np.arange(time)[:, None] * 10000.0 ** (-np.arange(half) / half)
    cos, sin = np.cos(angles), np.sin(-angles if back else angles)
    x1, x2 = x[..., :half], x[..., half:]
    return np.concatenate([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)


def split_heads(x: Array, heads: int) -> Array:
    """(batch, time, width) -> (batch, heads, time, head_dim)"""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def merge_heads(x: Array) -> Array:
    """(batch, heads, time, head_dim) -> (batch, time, width)"""
    x = x.swapaxes(1, 2)
    return x.reshape(*x.shape[:2], -1)
