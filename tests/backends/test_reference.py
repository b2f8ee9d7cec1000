"""The oracle's own derivatives and updates, against finite differences and worked examples."""

import numpy as np
import pytest
from compare.backends.reference.optimizer import Optimizer
from compare.backends.reference.trainer import ReferenceTrainer, cross_entropy

from compare.conformance.cases import MODELS, small_batches, small_experiment, small_weights
from compare.contracts import Batch
from compare.spec import OptimizerSpec
from compare.worker.losses import negative_log_likelihood, valid_targets

ELMAN = "elman of 2 layers"


def first_batch(model: str) -> Batch:
    return {name: field[0] for name, field in small_batches(model).items()}


def trainer_of(model: str, optimizer: OptimizerSpec | None = None) -> ReferenceTrainer:
    trainer = ReferenceTrainer(small_experiment(MODELS[model], optimizer or OptimizerSpec()))
    trainer.load(small_weights(MODELS[model]))
    return trainer


@pytest.mark.parametrize("model", MODELS)
def test_gradients_are_finite_differences(model: str) -> None:
    trainer, batch = trainer_of(model), first_batch(model)
    gradients = trainer.gradients(batch)
    assert list(gradients) == list(MODELS[model].parameters())
    step = 1e-6
    for name, gradient in gradients.items():
        numeric = np.zeros_like(gradient)
        value = trainer.values[name]
        for index in np.ndindex(gradient.shape):
            exact, ends = value[index], []
            for sign in (1, -1):
                value[index] = exact + sign * step
                # Dropout masks are in the batch, so they are the same at both ends.
                total = negative_log_likelihood(trainer.logits(batch), batch)
                ends.append(total / valid_targets(batch))
            value[index] = exact
            numeric[index] = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(gradient, numeric, atol=1e-9, err_msg=name)


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
    trainer = trainer_of(ELMAN, OptimizerSpec(name="sgd"))
    twice = {name: np.stack([field, field]) for name, field in first_batch(ELMAN).items()}
    losses = trainer.train(twice, np.array([1e-300, 1e-300]))
    assert losses[0] != losses[1]  # the same batch, from another state


def test_a_loss_of_ln_vocab_is_what_a_uniform_guess_costs() -> None:
    batch = first_batch(ELMAN)
    zeros = np.zeros((*batch["targets"].shape, 11))
    found = negative_log_likelihood(zeros, batch) / valid_targets(batch)
    assert found == pytest.approx(np.log(11))
