"""The plain layers as tf.Modules: `layer(x, context)` returns y.

A layer is given all variables of the model by canonical name and picks its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

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

Variables = Mapping[str, tf.Variable]
Sampler = Callable[..., tf.Tensor]
States = dict[str, Any]
"""What recurrent layers carry, by the layer's name."""


@dataclass(frozen=True)
class Context:
    """What a layer may look at besides its input."""

    batch: Mapping[str, tf.Tensor]
    operands: tf.DType
    """Type in which the operands of matrix products are."""
    sampler: Sampler | None = None
    """Draws native dropout masks; None where nothing is dropped but by the batch's masks."""
    mask: tf.Tensor | None = None
    """Valid positions (batch, time) of the layer's side; None where all are."""
    memory: tf.Tensor | None = None
    """The encoder's output (batch, source time, width)."""
    states: States = field(default_factory=dict)
    """Where recurrent layers start; one that is not there starts from zeros."""
    ends: States = field(default_factory=dict)
    """Where recurrent layers write the states in which they ended."""

    def matmul(self, a: tf.Tensor, b: tf.Tensor, transpose_b: bool = False) -> tf.Tensor:
        """a @ b of rounded operands. Each product casts anew, so that the gradients of a kernel
        that is used many times are added up in the kernel's own type."""
        rounded = (tf.cast(operand, self.operands) for operand in (a, b))
        return tf.cast(tf.matmul(*rounded, transpose_b=transpose_b), a.dtype)

    def flat_matmul(self, x: tf.Tensor, kernel: tf.Tensor, transpose_b: bool = False) -> tf.Tensor:
        """x @ kernel over the last axis of x (batch, time, width), as one flat product: matmul of
        a rank-3 tensor would run as a batch of small ones."""
        flat = self.matmul(tf.reshape(x, (-1, x.shape[-1])), kernel, transpose_b)
        return tf.reshape(flat, (*x.shape[:-1], flat.shape[-1]))


class Layer(Protocol):
    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor: ...


class EmbeddingLayer(tf.Module):
    def __init__(self, variables: Variables, name: str) -> None:
        super().__init__()
        self.table = variables[f"{name}.table"]

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        return tf.nn.embedding_lookup(self.table, x)  # (batch, time) -> (batch, time, dim)


class PositionalLayer(tf.Module):
    def __init__(self, variables: Variables, name: str) -> None:
        super().__init__()
        self.table = variables[f"{name}.table"]

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        return x + self.table[: x.shape[1]]


class TiedHeadLayer(tf.Module):
    def __init__(self, variables: Variables, table: str) -> None:
        super().__init__()
        self.table = variables[table]

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        return context.flat_matmul(x, self.table, transpose_b=True)  # -> (batch, time, vocab)


class DenseLayer(tf.Module):
    def __init__(self, variables: Variables, name: str) -> None:
        super().__init__()
        self.kernel, self.bias = variables[f"{name}.kernel"], variables[f"{name}.bias"]

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        return context.flat_matmul(x, self.kernel) + self.bias


class NormLayer(tf.Module):
    """Layer norm, or for "rms" the norm that has neither mean nor shift.

    From ops: TensorFlow's fused one, FusedBatchNormV3, has float32 statistics only.
    """

    def __init__(self, variables: Variables, name: str, norm: str, epsilon: float) -> None:
        super().__init__()
        self.scale = variables[f"{name}.scale"]
        self.shift = variables[f"{name}.shift"] if norm == "layer" else None
        self.epsilon = epsilon

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        if self.shift is not None:
            x = x - tf.reduce_mean(x, -1, keepdims=True)
        inverse = tf.math.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + self.epsilon)
        y = x * inverse * self.scale
        return y if self.shift is None else y + self.shift


class DropoutLayer(tf.Module):
    def __init__(self, name: str, rate: float) -> None:
        super().__init__()
        self.field, self.rate = field_of(name), rate

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        if self.field in context.batch:
            return tf.where(context.batch[self.field], x * (1.0 / (1.0 - self.rate)), 0.0)
        if context.sampler is not None:
            return tf.nn.experimental.general_dropout(x, self.rate, context.sampler)
        return x


class PoolLayer(tf.Module):
    """(batch, time, width) -> (batch, 1, width)"""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def __call__(self, x: tf.Tensor, context: Context) -> tf.Tensor:
        valid = tf.ones(x.shape[:2], tf.bool) if context.mask is None else context.mask
        count = tf.reduce_sum(tf.cast(valid, tf.int32), axis=1, keepdims=True)  # (batch, 1)
        if self.how == "last":
            return tf.gather(x, count - 1, batch_dims=1)
        valid = valid[..., tf.newaxis]
        if self.how == "max":
            return tf.reduce_max(tf.where(valid, x, -np.inf), axis=1, keepdims=True)
        total = tf.reduce_sum(tf.where(valid, x, 0.0), axis=1, keepdims=True)
        return total / tf.cast(count[..., tf.newaxis], x.dtype)


def plain_layer_of(spec: object, variables: Variables) -> Layer | None:
    """The layer that a spec describes, if it is one of this module's."""
    match spec:
        case Embedding():
            return EmbeddingLayer(variables, spec.name)
        case PositionalEmbedding():
            return PositionalLayer(variables, spec.name)
        case TiedHead():
            return TiedHeadLayer(variables, spec.table)
        case Dense():
            return DenseLayer(variables, spec.name)
        case LayerNorm():
            return NormLayer(variables, spec.name, "layer", spec.epsilon)
        case RMSNorm():
            return NormLayer(variables, spec.name, "rms", spec.epsilon)
        case Dropout():
            return DropoutLayer(spec.name, spec.rate)
        case Pool():
            return PoolLayer(spec.how)
    return None
