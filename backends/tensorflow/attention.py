"""Attention and the transformer block."""

import numpy as np
import tensorflow as tf

from compare.spec import CrossAttention, TransformerBlock

from .layers import Context, DenseLayer, DropoutLayer, Layer, NormLayer, Variables


class Residual(tf.Module):
    """y = x + branch(x)"""

    def __init__(self, *branch: Layer) -> None:
        super().__init__()
        self.branch = branch

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        y = x
        for layer in self.branch:
            y = layer(y, context)
        return x + y


class SelfAttention(tf.Module):
    """Queries, keys and values from x itself."""

    def __init__(self, variables: Variables, spec: TransformerBlock) -> None:
        super().__init__()
        self.qkv = DenseLayer(variables, f"{spec.name}.attention.qkv")
        self.heads, self.causal, self.rotary = spec.heads, spec.causal, spec.rotary

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        q, k, v = split_heads(self.qkv(x, context), 3, self.heads)
        if self.rotary:
            q, k = rotated(q), rotated(k)
        return attend(q, k, v, self._visible(x.shape[1], context.mask), context)

    def _visible(self, time: int, mask: tf.Tensor | None) -> tf.Tensor | None:
        """Which key each query sees, broadcasting to (batch, heads, time, time)."""
        causal = tf.constant(np.tril(np.ones((time, time), bool))) if self.causal else None
        if mask is None:
            return causal
        valid = mask[:, tf.newaxis, tf.newaxis, :]
        return valid if causal is None else valid & causal


class AttentionToMemory(tf.Module):
    """Queries from x, keys and values from the encoder's output."""

    def __init__(self, variables: Variables, spec: CrossAttention) -> None:
        super().__init__()
        self.query = DenseLayer(variables, f"{spec.name}.query")
        self.key_value = DenseLayer(variables, f"{spec.name}.key_value")
        self.heads = spec.heads

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        (q,) = split_heads(self.query(x, context), 1, self.heads)
        k, v = split_heads(self.key_value(context.memory, context), 2, self.heads)
        mask = context.batch.get("source_mask")
        visible = None if mask is None else mask[:, tf.newaxis, tf.newaxis, :]
        return attend(q, k, v, visible, context)


class Gelu(tf.Module):
    """The tanh form, as x sigmoid(2u) = 0.5 x (1 + tanh(u)).

    From ops: `tf.nn.gelu(approximate=True)` casts its 0.044715 from float32.
    """

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        return x * tf.sigmoid(x * (_GELU + _GELU * 0.044715 * tf.square(x)))


_GELU = 2 * (2 / np.pi) ** 0.5


def cross_attention(variables: Variables, spec: CrossAttention) -> Layer:
    """norm, attention to the encoder's output, projection and dropout, around x."""
    return Residual(
        NormLayer(variables, f"{spec.name}.norm", spec.norm, spec.epsilon),
        AttentionToMemory(variables, spec),
        DenseLayer(variables, f"{spec.name}.out"),
        DropoutLayer(spec.name, spec.dropout),
    )


class TransformerLayer(tf.Module):
    """Self-attention, cross-attention if there is an encoder, feed-forward."""

    def __init__(self, variables: Variables, spec: TransformerBlock) -> None:
        super().__init__()
        attention, feedforward = f"{spec.name}.attention", f"{spec.name}.feedforward"
        cross = spec.cross()
        self.parts = [
            Residual(
                NormLayer(variables, f"{attention}.norm", spec.norm, spec.epsilon),
                SelfAttention(variables, spec),
                DenseLayer(variables, f"{attention}.out"),
                DropoutLayer(attention, spec.dropout),
            ),
            *([cross_attention(variables, cross)] if cross else []),
            Residual(
                NormLayer(variables, f"{feedforward}.norm", spec.norm, spec.epsilon),
                DenseLayer(variables, f"{feedforward}.in"),
                Gelu(),
                DenseLayer(variables, f"{feedforward}.out"),
                DropoutLayer(feedforward, spec.dropout),
            ),
        ]

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        for part in self.parts:
            x = part(x, context)
        return x


def attend(
    q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, visible: tf.Tensor | None, context: Context
) -> tf.Tensor:
    """softmax(q k^T / sqrt(head_dim)) v of (batch, heads, time, head_dim), as (batch, time, width).

    From ops: TensorFlow has no fused attention.
    """
    batch, heads, time, head_dim = q.shape
    scores = context.matmul(q * head_dim**-0.5, k, transpose_b=True)
    if visible is not None:
        # Added, not selected: the gradient of a sum is free, and exp(-inf) is exactly 0.
        scores += tf.where(visible, tf.zeros((), q.dtype), -np.inf)
    y = context.matmul(tf.nn.softmax(scores), v)
    return tf.reshape(tf.transpose(y, (0, 2, 1, 3)), (batch, time, heads * head_dim))


def rotated(x: tf.Tensor) -> tf.Tensor:
    """Each pair of halves turned by its position's angle; (batch, heads, time, head_dim)."""
    time, half = x.shape[-2], x.shape[-1] // 2
    angles = np.arange(time)[:, None] * 10000.0 ** (-np.arange(half) / half)  # in float64
    cos, sin = tf.constant(np.cos(angles), x.dtype), tf.constant(np.sin(angles), x.dtype)
    x1, x2 = tf.split(x, 2, axis=-1)
    return tf.concat([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)


def split_heads(x: tf.Tensor, parts: int, heads: int) -> list[tf.Tensor]:
    """(batch, time, parts * width) -> each part as (batch, heads, time, head_dim)"""
    batch, time, width = x.shape
    apart = tf.reshape(x, (batch, time, parts, heads, width // parts // heads))
    found: list[tf.Tensor] = tf.unstack(tf.transpose(apart, (2, 0, 3, 1, 4)))
    return found
