"""Attention and the transformer block. `keras.layers.MultiHeadAttention` has kernels of another
layout, one each for queries, keys and values, and so three products for one."""

import keras
import numpy as np
from keras import ops

from compare.spec import CrossAttention, TransformerBlock

from .layers import Context, Contextual, Dropout, Linear, Tensor, norm_of

Shape = tuple[int | None, ...]


class SelfAttentionLayer(Contextual):
    """y = x + dropout(attend(norm(x)))"""

    def __init__(self, spec: TransformerBlock, seed: keras.random.SeedGenerator) -> None:
        super().__init__("attention")
        self.norm = norm_of(spec.norm, spec.epsilon)
        self.qkv, self.out = Linear(3 * spec.width, "qkv"), Linear(spec.width, "out")
        self.dropout = Dropout(f"{spec.name}.attention", spec.dropout, seed)
        self.heads, self.causal, self.rotary = spec.heads, spec.causal, spec.rotary

    def build(self, shape: Shape) -> None:
        for layer in (self.norm, self.qkv, self.out):
            layer.build(shape)

    def call(self, x: Tensor, context: Context) -> Tensor:
        parts = ops.split(self.qkv(self.norm(x)), 3, axis=-1)
        q, k, v = (split_heads(part, self.heads) for part in parts)
        if self.rotary:
            q, k = rotated(q), rotated(k)
        y = attend(q, k, v, context.mask, self.compute_dtype, self.causal)
        return x + self.dropout(self.out(y), context=context)


class CrossAttentionLayer(Contextual):
    """y = x + dropout(attend(norm(x), memory))"""

    def __init__(
        self, spec: CrossAttention, seed: keras.random.SeedGenerator, name: str = "cross"
    ) -> None:
        super().__init__(name)
        self.spec = spec
        self.norm = norm_of(spec.norm, spec.epsilon)
        self.query, self.out = Linear(spec.width, "query"), Linear(spec.width, "out")
        self.key_value = Linear(2 * spec.width, "key_value")
        self.dropout = Dropout(spec.name, spec.dropout, seed)

    def build(self, shape: Shape) -> None:
        for layer in (self.norm, self.query, self.out):
            layer.build(shape)
        self.key_value.build((*shape[:-1], self.spec.memory))

    def call(self, x: Tensor, context: Context) -> Tensor:
        parts = ops.split(self.key_value(context.memory), 2, axis=-1)
        k, v = (split_heads(part, self.spec.heads) for part in parts)
        q = split_heads(self.query(self.norm(x)), self.spec.heads)
        y = attend(q, k, v, context.memory_mask, self.compute_dtype)
        return x + self.dropout(self.out(y), context=context)


class FeedForwardLayer(Contextual):
    """y = x + dropout(gelu(norm(x) @ in) @ out)"""

    def __init__(self, spec: TransformerBlock, seed: keras.random.SeedGenerator) -> None:
        super().__init__("feedforward")
        self.norm = norm_of(spec.norm, spec.epsilon)
        self.inner, self.out = Linear(spec.hidden, "in"), Linear(spec.width, "out")
        self.dropout = Dropout(f"{spec.name}.feedforward", spec.dropout, seed)

    def build(self, shape: Shape) -> None:
        self.norm.build(shape)
        self.inner.build(shape)
        self.out.build((*shape[:-1], self.inner.units))

    def call(self, x: Tensor, context: Context) -> Tensor:
        y = self.out(gelu(self.inner(self.norm(x))))
        return x + self.dropout(y, context=context)


class TransformerBlockLayer(Contextual):
    """Self-attention, cross-attention if there is an encoder, feed-forward."""

    def __init__(self, spec: TransformerBlock, seed: keras.random.SeedGenerator) -> None:
        super().__init__(spec.name)
        cross = spec.cross()
        self.parts = [
            SelfAttentionLayer(spec, seed),
            *([CrossAttentionLayer(cross, seed)] if cross else []),
            FeedForwardLayer(spec, seed),
        ]

    def build(self, shape: Shape) -> None:
        for part in self.parts:
            part.build(shape)

    def call(self, x: Tensor, context: Context) -> Tensor:
        for part in self.parts:
            x = part(x, context=context)
        return x


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dtype: str, causal: bool = False
) -> Tensor:
    """Attention of operands in `dtype`, with a softmax in float32 or float64.

    All (batch, time, heads, head_dim) -> (batch, time, width); mask (batch, keys).
    """
    scale, mask = q.shape[-1] ** -0.5, None if mask is None else mask[:, None, None, :]
    if keras.config.backend() == "torch" or dtype == "bfloat16":
        operands = (ops.cast(x, dtype) for x in (q, k, v))
        y = ops.dot_product_attention(*operands, mask=mask, scale=scale, is_causal=causal)
    else:
        # That operation takes a float32 scale on TensorFlow, and float32 scores on JAX.
        scores = ops.einsum("bqhd,bkhd->bhqk", q * scale, k)
        y = ops.einsum("bhqk,bkhd->bqhd", ops.softmax(_visible(scores, mask, causal)), v)
    return ops.reshape(ops.cast(y, q.dtype), (*q.shape[:2], q.shape[2] * q.shape[3]))


def _visible(scores: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """Scores (batch, heads, queries, keys), minus infinity where a query must not look."""
    if causal:
        scores = ops.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    return scores if mask is None else ops.where(mask, scores, -np.inf)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(batch, time, width) -> (batch, time, heads, head_dim)"""
    return ops.reshape(x, (*x.shape[:2], heads, x.shape[-1] // heads))


def rotated(x: Tensor) -> Tensor:
    """Each pair of halves turned by its position's angle; (batch, time, heads, head_dim)."""
    time, half = x.shape[1], x.shape[-1] // 2
    angles = np.arange(time)[:, None] * 10000.0 ** (-np.arange(half) / half)
    cos = ops.convert_to_tensor(np.cos(angles)[:, None], x.dtype)  # (time, 1, half)
    sin = ops.convert_to_tensor(np.sin(angles)[:, None], x.dtype)
    x1, x2 = x[..., :half], x[..., half:]
    return ops.concatenate([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)


def gelu(x: Tensor) -> Tensor:
    """The tanh form, which is not the default of `keras.activations.gelu`."""
    if keras.config.backend() != "tensorflow":
        return ops.gelu(x, approximate=True)
    # tf.nn.gelu takes 0.044715 as a float32 number; XLA fuses this as well.
    return 0.5 * x * (1 + ops.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x * x * x)))
