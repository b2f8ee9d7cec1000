"""How the conformance checks hold numbers against each other, and take batches apart."""

from typing import Any

import numpy as np

from compare.conformance.adapter_errors import wrong_answer
from compare.contracts.backend import Trainer
from compare.spec.arrays import Array, Batches, Weights


class Wrong(Exception):
    """A check failed: what, where, expected and found."""


def undropped(many: Batches) -> Batches:
    """The first batch without dropout masks."""
    return {n: field[0] for n, field in many.items() if not n.startswith("dropout.")}


def first_of(many: Batches) -> Batches:
    return {name: field[0] for name, field in many.items()}


def part_of(many: Batches, begin: int, end: int) -> Batches:
    return {name: field[begin:end] for name, field in many.items()}


def train(trainer: Trainer, many: Batches, rates: Array) -> list[float]:
    losses = np.asarray(trainer.train(many, rates), np.float64)
    if losses.shape != (len(rates),):
        problem = f"returned losses of shape {losses.shape}, expected ({len(rates)},)"
        raise wrong_answer(trainer.train, problem)
    return [float(loss) for loss in losses]


def same_all(found: Weights, expected: Weights, what: str, tolerance: float) -> None:
    for name in expected:
        if name not in found:
            raise Wrong(f"{what}: {name} is missing")
        same(found[name], expected[name], f"{what}: {name}", tolerance)
    for name in found:
        if name not in expected:
            raise Wrong(f"{what}: {name} is not a parameter of the model")


def same(found: Any, expected: Any, what: str, tolerance: float) -> None:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise Wrong(f"{what}: found shape {found.shape}, expected {expected.shape}")
    off = np.abs(found - expected) / (np.abs(expected).max() or 1.0)
    off = np.where(np.isfinite(found), off, np.inf)
    if off.max() > tolerance:
        at = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape))
        raise Wrong(
            f"{what} at {list(at)}: found {found[at]:.10g}, expected {expected[at]:.10g},"
            f" off by {off.max():.1e} of the largest value"
        )
