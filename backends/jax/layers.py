"""Layers without a state as flax nnx modules, called as `layer(x, context)`.

Each parameter is an nnx.Param that carries its canonical name as metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from compare.spec import Embedding, Pool, PositionalEmbedding, field_of

from .numerics import Numerics


@dataclass(frozen=True)
class Context:
    """What a layer may look at besides its input: the batch, the mask of the valid positions of
    its side (batch, time), the encoder's output, and where JAX draws dropout its generator."""

    batch: Mapping[str, Array]
    mask: Array | None = None
    memory: Array | None = None
    rngs: nnx.Rngs | None = None


def named(name: str) -> dict[str, str]:
    """The metadata of a parameter with this canonical name."""
    return {"canonical": name}


class EmbeddingLayer(nnx.Module):
    def __init__(self, spec: Embedding, dtype: DTypeLike, rngs: nnx.Rngs) -> None:
        self.embed = nnx.Embed(
            spec.vocab,
            spec.dim,
            param_dtype=dtype,
            embedding_metadata=named(f"{spec.name}.table"),
            rngs=rngs,
        )

    def __call__(self, x: Array, context: Context) -> Array:
        y: Array = self.embed(x)  # (batch, time) -> (batch, time, dim)
        return y


class PositionalLayer(nnx.Module):
    def __init__(self, spec: PositionalEmbedding, dtype: DTypeLike) -> None:
        table = jnp.zeros((spec.length, spec.dim), dtype)
        self.table = nnx.Param(table, **named(f"{spec.name}.table"))

    def __call__(self, x: Array, context: Context) -> Array:
        return x + self.table[: x.shape[1]]


class TiedHeadLayer(nnx.Module):
    """nnx.Embed.attend would look up in the type of its products, be that bfloat16."""

    def __init__(self, table: nnx.Param[Array], numerics: Numerics) -> None:
        self.table, self.numerics = table, numerics  # the embedding's own variable, not a copy

    def __call__(self, x: Array, context: Context) -> Array:
        logits = self.numerics.einsum("nd,vd->nv", x.reshape(-1, x.shape[-1]), self.table[...])
        return logits.reshape(*x.shape[:-1], -1)


class DenseLayer(nnx.Linear):
    def __init__(
        self, name: str, inputs: int, outputs: int, numerics: Numerics, rngs: nnx.Rngs
    ) -> None:
        super().__init__(
            inputs,
            outputs,
            param_dtype=numerics.dtype,
            dot_general=numerics.dot_general,
            kernel_metadata=named(f"{name}.kernel"),
            bias_metadata=named(f"{name}.bias"),
            rngs=rngs,
        )

    def __call__(self, x: Array, context: Context | None = None) -> Array:
        # One flat product: XLA on a CPU runs a rank-3 one at four fifths of the speed.
        flat: Array = super().__call__(x.reshape(-1, x.shape[-1]))
        return flat.reshape(*x.shape[:-1], -1)


class NormLayer(nnx.Module):
    def __init__(
        self,
        name: str,
        how: Literal["layer", "rms"],
        width: int,
        epsilon: float,
        dtype: DTypeLike,
        rngs: nnx.Rngs,
    ) -> None:
        scale = named(f"{name}.scale")
        if how == "rms":
            self.norm = nnx.RMSNorm(
                width, epsilon=epsilon, param_dtype=dtype, scale_metadata=scale, rngs=rngs
            )
            return
        self.norm = nnx.LayerNorm(
            width,
            epsilon=epsilon,
            param_dtype=dtype,
            use_fast_variance=False,  # E[x^2] - E[x]^2 loses digits
            scale_metadata=scale,
            bias_metadata=named(f"{name}.shift"),
            rngs=rngs,
        )

    def __call__(self, x: Array, context: Context | None = None) -> Array:
        y: Array = self.norm(x)
        return y


class DropoutLayer(nnx.Module):
    """Drops what the batch's mask of this name says, or, given a generator, what that says."""

    def __init__(self, name: str, rate: float) -> None:
        self.field, self.rate = field_of(name), rate
        self.native = nnx.Dropout(rate)

    def __call__(self, x: Array, context: Context) -> Array:
        mask = context.batch.get(self.field)
        if mask is not None:
            return jnp.where(mask, x / (1.0 - self.rate), 0)
        return x if context.rngs is None else self.native(x, rngs=context.rngs)


class PoolLayer(nnx.Module):
    """(batch, time, width) -> (batch, 1, width)"""

    def __init__(self, spec: Pool) -> None:
        self.how = spec.how

    def __call__(self, x: Array, context: Context) -> Array:
        valid = jnp.ones(x.shape[:2], bool) if context.mask is None else context.mask
        valid = valid[..., None]  # (batch, time, 1)
        if self.how == "mean":
            return jnp.mean(x, 1, where=valid, keepdims=True)
        if self.how == "last":
            chosen = valid.sum(1, keepdims=True) - 1
        else:  # not jnp.max, which shares the gradient among equal maxima: the first has it all
            chosen = jnp.where(valid, x, -jnp.inf).argmax(1, keepdims=True)
        return jnp.sum(x, 1, where=jnp.arange(x.shape[1])[:, None] == chosen, keepdims=True)
