"""The oracle's own derivatives and updates, against finite differences and worked examples."""

import numpy as np
import pytest
from compare.backends.reference.trainer import Optimizer, ReferenceTrainer, cross_entropy

from compare.conformance import MODELS, small_batches, small_experiment, small_weights
from compare.spec import Experiment, OptimizerSpec
from compare.worker import negative_log_likelihood

MODEL = MODELS["elman of 2 layers"]
BATCHES = small_batches()
BATCH_ONE = {name: field[0] for name, field in BATCHES.items()}
TOKENS = BATCH_ONE["targets"].size


def experiment(optimizer: OptimizerSpec) -> Experiment:
    return small_experiment(MODEL, optimizer)


def loss_at(weights: dict[str, np.ndarray]) -> float:
    trainer = ReferenceTrainer(experiment(OptimizerSpec()))
    trainer.load(weights)
    logits = trainer.logits(BATCH_ONE)
    return negative_log_likelihood(logits, BATCH_ONE["targets"]) / TOKENS


@pytest.mark.parametrize("name", list(small_weights(MODEL)))
def test_gradients_are_finite_differences(name: str) -> None:
    weights = {n: np.array(v, np.float64) for n, v in small_weights(MODEL).items()}
    trainer = ReferenceTrainer(experiment(OptimizerSpec()))
    trainer.load(weights)
    gradient = trainer.gradients(BATCH_ONE)[name]
    numeric = np.zeros_like(gradient)
    step = 1e-6
    for index in np.ndindex(gradient.shape):
        ends = []
        for sign in (1, -1):
            moved = {n: v.copy() for n, v in weights.items()}
            moved[name][index] += sign * step
            ends.append(loss_at(moved))
        numeric[index] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(gradient, numeric, atol=1e-9)


def test_adam_s_epsilon_is_outside_the_root_and_after_the_correction() -> None:
    optimizer = Optimizer(OptimizerSpec(name="adam", epsilon=1e-7))
    values = {"w": np.zeros(1)}
    optimizer.update(values, {"w": np.array([1e-6])}, 0.001)
    # m_hat = g and sqrt(v_hat) = |g| at the first step: 0.001 * 1e-6 / (1e-6 + 1e-7)
    assert values["w"][0] == pytest.approx(-9.0909e-4, rel=1e-4)


def test_momentum_keeps_the_learning_rate_out_of_its_buffer() -> None:
    optimizer = Optimizer(OptimizerSpec(name="sgd", momentum=0.9))
    values = {"w": np.zeros(1)}
    optimizer.update(values, {"w": np.ones(1)}, 0.1)
    optimizer.update(values, {"w": np.ones(1)}, 1.0)
    assert values["w"][0] == pytest.approx(-(0.1 * 1.0 + 1.0 * 1.9))


def test_cross_entropy_survives_large_logits() -> None:
    logits = np.array([[[1000.0, 0.0], [-1000.0, 0.0]]])
    loss, gradient = cross_entropy(logits, np.array([[0, 0]]))
    assert loss == pytest.approx(500.0)
    np.testing.assert_allclose(gradient, [[[0, 0], [-0.5, 0.5]]], atol=1e-12)


def test_the_state_is_carried_but_no_gradient_flows_into_it() -> None:
    trainer = ReferenceTrainer(experiment(OptimizerSpec(name="sgd")))
    trainer.load(small_weights(MODEL))
    twice = {name: np.stack([field[0], field[0]]) for name, field in BATCHES.items()}
    losses = trainer.train(twice, np.array([1e-300, 1e-300]))
    assert losses[0] != losses[1]  # the same batch, from another state


def test_a_loss_of_ln_vocab_is_what_a_uniform_guess_costs() -> None:
    zeros = np.zeros((*BATCH_ONE["targets"].shape, 11))
    found = negative_log_likelihood(zeros, BATCH_ONE["targets"]) / TOKENS
    assert found == pytest.approx(np.log(11))
