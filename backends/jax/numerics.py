"""Types and precision: one setting for the whole process, one helper for matrix products."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from compare.contracts import Device, Unsupported
from compare.spec import Precision


@dataclass(frozen=True)
class Numerics:
    """The type of the weights and of all that is computed, and the one that the operands of a
    matrix product are cast to, forward and, by autodiff, backward."""

    dtype: DTypeLike
    operands: DTypeLike

    def dot_general(self, x: Array, y: Array, dimensions: Any, **options: Any) -> Array:
        """The product that an nnx.Linear makes; its bias is added to the result in `dtype`."""
        found = jax.lax.dot_general(self._operand(x), self._operand(y), dimensions, **options)
        return found.astype(self.dtype)

    def einsum(self, subscripts: str, x: Array, y: Array) -> Array:
        return jnp.einsum(subscripts, self._operand(x), self._operand(y)).astype(self.dtype)

    def _operand(self, x: Array) -> Array:
        return x.astype(self.operands)


def numerics_of(precision: Precision, device: Device) -> Numerics:
    """The types of a precision; sets the switches of the process that go with it."""
    if precision == "tf32" and device.kind != "cuda":
        raise Unsupported("tf32 on this device: it takes an NVIDIA GPU")
    jax.config.update("jax_enable_x64", precision == "fp64")
    # XLA's default on a GPU is TF32.
    products = "tensorfloat32" if precision == "tf32" else "highest"
    jax.config.update("jax_default_matmul_precision", products)
    dtype = jnp.float64 if precision == "fp64" else jnp.float32
    return Numerics(dtype, jnp.bfloat16 if precision == "bf16" else dtype)
