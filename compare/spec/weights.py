"""Canonical initial weights, drawn in NumPy and given to every backend."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.spec.model import ModelSpec
from compare.spec.parameters import Parameter
from compare.spec.training import Precision

_LAST_BIT: dict[Precision, float] = {"tf32": 2.0**-10, "bf16": 2.0**-7}
"""The last bit that a matrix product sees of its operands, relative to a power of two."""


def initial_weights(model: ModelSpec, seed: int) -> dict[str, NDArray[np.float32]]:
    """Weights by canonical parameter name, drawn per parameter from (seed, name).

    A parameter's values depend on nothing but its own name, shape and the seed, so adding a
    layer changes no other layer. They are float32 values: float64 runs start from the same.
    """
    return {name: _draw(seed, name, parameter) for name, parameter in model.parameters().items()}


def _draw(seed: int, name: str, parameter: Parameter) -> NDArray[np.float32]:
    shape, scale = parameter.shape, parameter.initializer.scale
    if parameter.initializer.distribution == "constant":
        return np.full(shape, scale, np.float32)
    random = generator(seed, name)
    if parameter.initializer.distribution == "normal":
        return (scale * random.standard_normal(shape)).astype(np.float32)
    return ((2.0 * random.random(shape) - 1.0) * scale).astype(np.float32)


def perturbed(
    weights: Mapping[str, NDArray[np.float32]], precision: Precision, draw: int = 1
) -> dict[str, NDArray[np.floating[Any]]]:
    """Every weight moved to its neighbour in `precision`, up or down by the toss of a coin; each
    `draw` has tosses of its own.

    Training from these shows how far rounding alone drives two loss curves apart.
    """
    dtype = np.float64 if precision == "fp64" else np.float32
    moved: dict[str, NDArray[np.floating[Any]]] = {}
    for name, stored in weights.items():
        value = stored.astype(dtype)
        up = generator(draw - 1, f"perturb {name}").random(value.shape) < 0.5
        if precision in _LAST_BIT:
            bit = np.where(up, _LAST_BIT[precision], -_LAST_BIT[precision])
            moved[name] = (value * (1 + bit)).astype(np.float32)
            continue
        toward = np.where(up, np.inf, -np.inf).astype(dtype)
        # Zeros stay: their neighbour is a denormal, which is no rounding error of anything.
        moved[name] = np.where(value == 0, value, np.nextafter(value, toward))
    return moved


def generator(seed: int, name: str) -> np.random.Generator:
    """A counter-based generator (Philox) whose stream depends on seed and name alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def arrays_sha256(arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """One hash over names, shapes, dtypes and bytes, independent of the mapping's order."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.data if array.size else b"")
    return total.hexdigest()
