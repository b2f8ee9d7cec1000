"""Attention and the transformer block: each part is pre-norm and adds to the residual stream."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from compare.spec import CrossAttention, TransformerBlock

from .layers import Context, DenseLayer, DropoutLayer, NormLayer
from .numerics import Numerics


class SelfAttentionLayer(nnx.Module):
    """x + dropout(out(attend(norm(x))))"""

    def __init__(self, spec: TransformerBlock, numerics: Numerics, rngs: nnx.Rngs) -> None:
        name, width = f"{spec.name}.attention", spec.width
        self.heads, self.causal, self.rotary = spec.heads, spec.causal, spec.rotary
        self.numerics = numerics
        self.norm = NormLayer(f"{name}.norm", spec.norm, width, spec.epsilon, numerics.dtype, rngs)
        self.qkv = DenseLayer(f"{name}.qkv", width, 3 * width, numerics, rngs)
        self.out = DenseLayer(f"{name}.out", width, width, numerics, rngs)
        self.dropout = DropoutLayer(name, spec.dropout)

    def __call__(self, x: Array, context: Context) -> Array:
        projected = jnp.split(self.qkv(self.norm(x)), 3, axis=-1)
        q, k, v = (split_heads(part, self.heads) for part in projected)
        if self.rotary:
            q, k = rotated(q), rotated(k)
        y = attend(q, k, v, self._visible(x.shape[1], context.mask), self.numerics)
        return x + self.dropout(self.out(y), context)

    def _visible(self, time: int, mask: Array | None) -> Array | None:
        """Which key each query sees, broadcasting to (batch, heads, time, time); None for all."""
        seen = None if mask is None else mask[:, None, None, :]
        if not self.causal:
            return seen
        before = jnp.tril(jnp.ones((time, time), bool))
        return before if seen is None else before & seen


class CrossAttentionLayer(nnx.Module):
    """x + dropout(out(attend(norm(x), memory)))"""

    def __init__(self, spec: CrossAttention, numerics: Numerics, rngs: nnx.Rngs) -> None:
        name, width = spec.name, spec.width
        self.heads, self.numerics = spec.heads, numerics
        self.norm = NormLayer(f"{name}.norm", spec.norm, width, spec.epsilon, numerics.dtype, rngs)
        self.query = DenseLayer(f"{name}.query", width, width, numerics, rngs)
        self.key_value = DenseLayer(f"{name}.key_value", spec.memory, 2 * width, numerics, rngs)
        self.out = DenseLayer(f"{name}.out", width, width, numerics, rngs)
        self.dropout = DropoutLayer(name, spec.dropout)

    def __call__(self, x: Array, context: Context) -> Array:
        assert context.memory is not None  # ModelSpec refuses this layer without an encoder
        k, v = jnp.split(self.key_value(context.memory), 2, axis=-1)
        q, k, v = (split_heads(part, self.heads) for part in (self.query(self.norm(x)), k, v))
        mask = context.batch.get("source_mask")
        visible = None if mask is None else mask[:, None, None, :]
        return x + self.dropout(self.out(attend(q, k, v, visible, self.numerics)), context)


class FeedForwardLayer(nnx.Module):
    """x + dropout(out(gelu(in(norm(x)))))"""

    def __init__(self, spec: TransformerBlock, numerics: Numerics, rngs: nnx.Rngs) -> None:
        name, width = f"{spec.name}.feedforward", spec.width
        self.norm = NormLayer(f"{name}.norm", spec.norm, width, spec.epsilon, numerics.dtype, rngs)
        self.inner = DenseLayer(f"{name}.in", width, spec.hidden, numerics, rngs)
        self.out = DenseLayer(f"{name}.out", spec.hidden, width, numerics, rngs)
        self.dropout = DropoutLayer(name, spec.dropout)

    def __call__(self, x: Array, context: Context) -> Array:
        inner = nnx.gelu(self.inner(self.norm(x)), approximate=True)
        return x + self.dropout(self.out(inner), context)


class TransformerBlockLayer(nnx.Module):
    """Self-attention, cross-attention if there is an encoder, feed-forward."""

    def __init__(self, spec: TransformerBlock, numerics: Numerics, rngs: nnx.Rngs) -> None:
        cross = spec.cross()
        self.parts = nnx.List([SelfAttentionLayer(spec, numerics, rngs)])
        if cross:
            self.parts.append(CrossAttentionLayer(cross, numerics, rngs))
        self.parts.append(FeedForwardLayer(spec, numerics, rngs))

    def __call__(self, x: Array, context: Context) -> Array:
        for part in self.parts:
            x = part(x, context)
        return x


def attend(q: Array, k: Array, v: Array, visible: Array | None, numerics: Numerics) -> Array:
    """softmax(q k^T / sqrt(head_dim)) v: (batch, time, heads, head_dim) -> (batch, time, width)

    jax.nn.dot_product_attention takes its softmax in float32 whatever it is given.
    """
    scores = numerics.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    if visible is not None:
        scores = jnp.where(visible, scores, -jnp.inf)
    y = numerics.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
    return y.reshape(*y.shape[:2], -1)


def rotated(x: Array) -> Array:
    """Each pair of halves turned by its position's angle; (batch, time, heads, head_dim)."""
    time, half = x.shape[1], x.shape[-1] // 2
    # NumPy, so that the angles are float64 in every precision; (time, 1, half)
    angles = np.arange(time)[:, None, None] * 10000.0 ** (-np.arange(half) / half)
    cos, sin = jnp.asarray(np.cos(angles), x.dtype), jnp.asarray(np.sin(angles), x.dtype)
    x1, x2 = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)


def split_heads(x: Array, heads: int) -> Array:
    """(batch, time, width) -> (batch, time, heads, head_dim)"""
    return x.reshape(*x.shape[:2], heads, -1)
