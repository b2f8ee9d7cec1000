"""What every backend promises, checked inside a fresh process: `python contract.py NAME MODE`.

Run by test_contract.py, one process per backend and mode, as frameworks do not share one well.
"""

import sys
from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Batches, Device, Trainer, Weights
from compare.plugins import load_backend
from compare.spec import (
    Dense,
    Embedding,
    Experiment,
    ModelSpec,
    OptimizerSpec,
    Recurrent,
    TrainSpec,
)
from compare.weights import initial_weights

BATCH, TIME, VOCAB, STEPS = 3, 5, 11, 6
MODEL = ModelSpec(
    layers=(
        Embedding(vocab=VOCAB, dim=4),
        Recurrent(inputs=4, hidden=4, layers=2),  # square, so that a transposed kernel fits
        Dense(name="head", inputs=4, outputs=VOCAB),
    )
)
OPTIMIZERS = (
    OptimizerSpec(name="adam", learning_rate=0.01),
    OptimizerSpec(name="adam", learning_rate=0.01, beta1=0.0, epsilon=1e-3),
    OptimizerSpec(name="sgd", learning_rate=0.5),
    OptimizerSpec(name="sgd", learning_rate=0.5, momentum=0.9),
)


def experiment(optimizer: OptimizerSpec) -> Experiment:
    train = TrainSpec(batch=BATCH, sequence_length=TIME, steps=STEPS, precision="fp64")
    return Experiment(
        task="lm", model=MODEL, optimizer=optimizer, train=train, splits={}, data={},
        data_sha256="", weights_sha256="",
    )  # fmt: skip


def batches() -> Batches:
    # Few words, so that every batch has repeats: an embedding's gradient must add them up.
    tokens = np.random.default_rng(0).integers(0, 4, (STEPS, BATCH, TIME + 1)).astype(np.int32)
    return {"inputs": tokens[..., :-1], "targets": tokens[..., 1:]}


def first(many: Batches) -> Batch:
    return {name: field[0] for name, field in many.items()}


def part(many: Batches, begin: int, end: int) -> Batches:
    return {name: field[begin:end] for name, field in many.items()}


def random_weights() -> Weights:
    """Weights with biases that are not zero."""
    random = np.random.default_rng(1)
    drawn = initial_weights(MODEL, 1)
    return {n: (v + random.normal(0, 0.3, v.shape)).astype(np.float32) for n, v in drawn.items()}


def close(found: Any, expected: Any, what: str, tolerance: float) -> None:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, not {expected.shape}"
    worst = np.abs(found - expected).max() / np.abs(expected).max()
    assert worst <= tolerance, f"{what}: off by {worst:.1e} of the largest value"


def all_close(found: Weights, expected: Weights, what: str, tolerance: float) -> None:
    assert set(found) == set(expected), f"{what}: {set(found) ^ set(expected)}"
    for name in expected:
        close(found[name], expected[name], f"{what} {name}", tolerance)


def check(name: str, mode: str) -> None:
    backend, oracle = load_backend(name), load_backend("reference")
    backend.open(mode, 1)
    assert backend.versions()
    assert Device("cpu") in backend.devices()
    for optimizer in OPTIMIZERS:
        ours = backend.build(experiment(optimizer), Device("cpu"))
        theirs = oracle.build(experiment(optimizer), Device("cpu"))
        check_trainer(ours, theirs)


def check_trainer(ours: Trainer, theirs: Trainer) -> None:
    weights, many = random_weights(), batches()
    rates = np.array([0.1, 0.1, 0.02, 0.02, 0.3, 0.3])  # a schedule: the rate is not folded in
    ours.load(weights)
    theirs.load(weights)
    all_close(ours.weights(), weights, "weights after load", 0.0)
    close(ours.logits(first(many)), theirs.logits(first(many)), "logits", 1e-12)
    all_close(ours.gradients(first(many)), theirs.gradients(first(many)), "gradient", 1e-12)
    all_close(ours.weights(), weights, "weights after logits and gradients", 0.0)

    expected = theirs.train(many, rates)
    losses = ours.train(part(many, 0, 2), rates[:2])
    ours.logits(first(many))  # neither of the two may touch the carried state
    ours.gradients(first(many))
    losses = np.append(losses, ours.train(part(many, 2, STEPS), rates[2:]))
    close(losses, expected, "losses in two windows", 1e-12)
    all_close(ours.weights(), theirs.weights(), "weights after training", 1e-11)

    trained = {name: np.array(value) for name, value in ours.weights().items()}
    ours.load(weights)  # clears moments and carried state
    again: Array = ours.train(many, rates)
    close(again, expected, "losses after a second load", 1e-12)
    all_close(ours.weights(), trained, "weights, trained again in one window", 1e-11)


if __name__ == "__main__":
    check(sys.argv[1], sys.argv[2])
