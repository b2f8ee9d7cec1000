"""The plain layers: Keras's own where they compute exactly this, with each difference removed.

Keras's dtype policy says in what type products are computed: under "mixed_bfloat16" that is
bfloat16. Every layer here turns autocasting off, so that nothing but the operands of products
is cast, where Keras would compute whole layers in bfloat16.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from compare.spec import field_of

Tensor = Any
"""A tensor of the library below Keras"""


@dataclass(frozen=True)
class Context:
    """What a layer may look at besides its input.

    `mask` says which positions of its side are valid, (batch, time); `memory` is the encoder's
    output, (batch, time, width); `draw`: dropout draws masks of its own.
    """

    batch: Mapping[str, Tensor]
    draw: bool
    mask: Tensor | None = None
    memory: Tensor | None = None
    memory_mask: Tensor | None = None


class Contextual(keras.layers.Layer):
    """A layer that is called as `layer(x, context=context)`."""

    def __init__(self, name: str) -> None:
        super().__init__(name=keras_name(name), autocast=False)


class Linear(keras.layers.Dense):
    """Keras's Dense, but in bf16 the bias is added in float32."""

    def __init__(self, outputs: int, name: str) -> None:
        super().__init__(outputs, name=keras_name(name), autocast=False)

    def call(self, x: Tensor) -> Tensor:
        return ops.add(product(x, self.kernel, self.compute_dtype), self.bias)


class Positions(keras.layers.Layer):
    """x plus a vector for each position; Keras has no such layer."""

    def __init__(self, length: int, name: str) -> None:
        super().__init__(name=keras_name(name), autocast=False)
        self.length = length

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.table = self.add_weight((self.length, shape[-1]), name="table")

    def call(self, x: Tensor) -> Tensor:
        return ops.add(x, self.table[: x.shape[1]])


class TiedHead(keras.layers.Layer):
    """Logits from the table of an embedding, as in keras_hub's ReversibleEmbedding."""

    def __init__(self, table: keras.Variable, name: str) -> None:
        super().__init__(name=keras_name(name), autocast=False)
        self.table = table

    def call(self, x: Tensor) -> Tensor:
        return product(x, ops.transpose(self.table), self.compute_dtype)


class Dropout(Contextual):
    """Drops by the batch's own mask, so that every backend drops the same values, or by one
    that Keras draws; nothing where there is neither."""

    def __init__(self, site: str, rate: float, seed: keras.random.SeedGenerator) -> None:
        super().__init__("dropout")
        self.field, self.rate, self.seed = field_of(site), rate, seed

    def call(self, x: Tensor, context: Context) -> Tensor:
        if self.field in context.batch:
            return x * ops.cast(context.batch[self.field], x.dtype) / (1 - self.rate)
        if context.draw and self.rate:
            return keras.random.dropout(x, self.rate, seed=self.seed)
        return x


class Pool(Contextual):
    """(batch, time, width) -> (batch, 1, width). Keras's global pooling has no maximum under a
    mask, and none has the last valid position."""

    def __init__(self, how: str, name: str) -> None:
        super().__init__(name)
        self.how = how

    def call(self, x: Tensor, context: Context) -> Tensor:
        valid = ops.ones(x.shape[:2], "bool") if context.mask is None else context.mask
        return ops.sum(x * self._weights(x, valid[..., None]), axis=1, keepdims=True)

    def _weights(self, x: Tensor, valid: Tensor) -> Tensor:
        """What each value counts, broadcasting to (batch, time, width)."""
        count = ops.sum(ops.cast(valid, "int32"), axis=1, keepdims=True)  # (batch, 1, 1)
        if self.how == "mean":
            return ops.cast(valid, x.dtype) / ops.cast(count, x.dtype)
        positions = ops.arange(x.shape[1], dtype="int32")[:, None]
        if self.how == "last":
            return ops.cast(ops.equal(positions, count - 1), x.dtype)
        lowest = ops.full_like(x, -float("inf"))
        best = ops.argmax(ops.where(valid, x, lowest), axis=1, keepdims=True)  # (batch, 1, width)
        return ops.cast(ops.equal(positions, ops.cast(best, "int32")), x.dtype)


def embedding_of(vocab: int, dim: int, name: str) -> keras.layers.Layer:
    return keras.layers.Embedding(vocab, dim, name=keras_name(name), dtype=keras.config.floatx())


def norm_of(norm: str, epsilon: float, name: str = "norm") -> keras.layers.Layer:
    """Keras's epsilon is 1e-3 for a layer norm and 1e-6 for an RMS norm."""
    kind = {"layer": keras.layers.LayerNormalization, "rms": keras.layers.RMSNormalization}[norm]
    return kind(epsilon=epsilon, name=keras_name(name), dtype=keras.config.floatx())


def product(x: Tensor, kernel: Tensor, dtype: str) -> Tensor:
    """x @ kernel over the last axis, of operands in `dtype`; the result is in x's own type."""
    # One flat product: XLA on a CPU runs a rank-3 one at four fifths of the speed.
    flat = ops.reshape(x, (-1, x.shape[-1]))
    y = ops.matmul(ops.cast(flat, dtype), ops.cast(kernel, dtype))
    return ops.reshape(ops.cast(y, x.dtype), (*x.shape[:-1], kernel.shape[-1]))


def apply(layer: keras.layers.Layer, x: Tensor, context: Context) -> Tensor:
    return layer(x, context=context) if isinstance(layer, Contextual) else layer(x)


def keras_name(name: str) -> str:
    """Keras on torch takes no dots in the name of a layer that has weights."""
    return name.replace(".", "-")
