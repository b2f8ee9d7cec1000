"""Clipping of a gradient that has millions of values, the size of a vocabulary's table."""

import numpy as np
import pytest
from conftest import needs

from compare.contracts import Device
from compare.contracts.loading import load_backend
from compare.spec import (
    Cut,
    Dense,
    Embedding,
    Experiment,
    ModelSpec,
    OptimizerSpec,
    TrainSpec,
)
from compare.spec.weights import initial_weights

VOCAB, WIDTH = 4000, 128


def experiment() -> Experiment:
    cut = Cut(array="a", starts="s", width=8)
    return Experiment(
        task="lm",
        model=ModelSpec(
            layers=(
                Embedding(vocab=VOCAB, dim=WIDTH),
                Dense(name="head", inputs=WIDTH, outputs=VOCAB),
            )
        ),
        optimizer=OptimizerSpec(name="sgd", learning_rate=1.0, clip_norm=1e-3),
        train=TrainSpec(batch=8, sequence_length=8, steps=1),
        splits={"train": {"inputs": cut, "targets": cut}},
        data={},
        data_sha256="",
        weights_sha256="",
    )


@pytest.mark.slow
@needs("torch")
def test_the_norm_of_a_large_gradient_is_right_to_six_digits() -> None:
    """The step that clipped plain SGD takes is as long as the clip norm, to float32's rounding."""
    backend = load_backend("torch")
    backend.open("eager", 1)
    trainer = backend.build(experiment(), Device("cpu"))
    before = initial_weights(experiment().model, 1)
    random = np.random.default_rng(0)
    ids = random.integers(0, VOCAB, (2, 1, 8, 8)).astype(np.int32)
    batches = {"inputs": ids[0], "targets": ids[1]}
    trainer.load({**before, "head.kernel": 0 * before["head.kernel"]})
    gradients = trainer.gradients({name: field[0] for name, field in batches.items()})
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients.values()))
    trainer.train(batches, np.array([1.0]))
    bias = trainer.weights()["head.bias"].astype(np.float64)
    np.testing.assert_allclose(bias, -gradients["head.bias"] * (1e-3 / norm), rtol=1e-6)
