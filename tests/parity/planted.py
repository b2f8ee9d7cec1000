"""Deliberately wrong adapters: the reference with one mistake, each mode a different one.

Every mistake is one that a careless adapter of a real framework makes without noticing: the
loss still falls.
"""

import sys
from typing import Any

import numpy as np
from compare.backends.reference.layers import ElmanLayer, EmbeddingLayer, RecurrentStack
from compare.backends.reference.trainer import (
    Array,
    Gradients,
    Optimizer,
    ReferenceTrainer,
    State,
    cross_entropy,
)

from compare.contracts import Batch, Batches, Device, Trainer, Weights
from compare.plugins import load_backend
from compare.spec import Experiment


class EpsilonInsideRoot(Optimizer):
    def _adam(self, name: str, g: Array) -> Array:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
        v = self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
        m_hat, v_hat = m / (1 - b1**self.step), v / (1 - b2**self.step)
        return m_hat / np.sqrt(v_hat + self.spec.epsilon)


class EpsilonAsInKeras(Optimizer):
    def _adam(self, name: str, g: Array) -> Array:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
        v = self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
        scale = np.sqrt(1 - b2**self.step) / (1 - b1**self.step)
        return scale * m / (np.sqrt(v) + self.spec.epsilon)


class NoBiasCorrection(Optimizer):
    def _adam(self, name: str, g: Array) -> Array:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
        v = self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
        return m / (np.sqrt(v) + self.spec.epsilon)


class Float32Constants(Optimizer):
    def _adam(self, name: str, g: Array) -> Array:
        exact = self.spec
        self.spec = exact.model_copy(update={"beta1": float(np.float32(exact.beta1))})
        direction = super()._adam(name, g)
        self.spec = exact
        return direction


class TwoTrainableBiases(Optimizer):
    """The canonical bias is the sum of two that have the same gradient: it moves twice."""

    def update(self, values: Gradients, gradients: Gradients, rate: float) -> None:
        before = {name: value.copy() for name, value in values.items()}
        super().update(values, gradients, rate)
        for name, value in values.items():
            if name.startswith("rnn") and name.endswith("bias"):
                values[name] = before[name] + 2 * (value - before[name])


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "epsilon_inside_root": EpsilonInsideRoot,
    "keras_epsilon": EpsilonAsInKeras,
    "no_bias_correction": NoBiasCorrection,
    "float32_constants": Float32Constants,
    "two_trainable_biases": TwoTrainableBiases,
}


class SparseEmbedding(EmbeddingLayer):
    def backward(self, weights: Gradients, kept: Any, dy: Array) -> tuple[Array, Gradients]:
        gradient = np.zeros_like(weights[self.table])
        gradient[kept] = dy  # of a token that occurs twice, the last one counts
        return np.zeros(kept.shape), {self.table: gradient}


class TransposedElman(ElmanLayer):
    def forward(self, weights: Gradients, x: Array, h: Array) -> tuple[Array, Array, Any]:
        transposed = {**weights, self.recurrent: weights[self.recurrent].T}
        return super().forward(transposed, x, h)


class PlantedTrainer(ReferenceTrainer):
    def __init__(self, experiment: Experiment, mode: str) -> None:
        super().__init__(experiment)
        self.mode = mode
        self.length = experiment.train.sequence_length
        self.before: tuple[Array, list[State]] | None = None
        if mode == "sparse_embedding":
            self.layers[0] = SparseEmbedding(experiment.model.layers[0])  # type: ignore[arg-type]
        if mode == "recurrent_transposed":
            for stack in self.layers:
                if isinstance(stack, RecurrentStack):
                    count, hidden = len(stack.layers), stack.hidden
                    stack.layers = [TransposedElman(f"rnn.{i}", hidden) for i in range(count)]
        if mode == "state_not_carried":
            self.carries = [False] * len(self.carries)

    def load(self, weights: Weights) -> None:
        super().load(weights)
        self.before = None
        self.optimizer = OPTIMIZERS.get(self.mode, Optimizer)(self.optimizer.spec)
        if self.mode == "kernel_transposed":
            self.values["rnn.0.kernel"] = self.values["rnn.0.kernel"].T.copy()

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = super().train(batches, learning_rates)
        return losses * (1 + 1e-9) if self.mode == "loss_in_float32" else losses

    def gradients(self, batch: Batch) -> Weights:
        kept, self.before = self.before, None
        found = super().gradients(batch)
        self.before = kept
        return found

    def _differentiate(
        self, x: Array, y: Array, states: list[State]
    ) -> tuple[float, Gradients, list[State]]:
        if self.mode == "mean_over_batch":
            loss, gradients, after = super()._differentiate(x, y, states)
            return loss, {n: g * self.length for n, g in gradients.items()}, after
        if self.mode == "state_not_detached" and any(self.carries):
            return self._through_the_batch_before(x, y, states)
        return super()._differentiate(x, y, states)

    def _through_the_batch_before(
        self, x: Array, y: Array, states: list[State]
    ) -> tuple[float, Gradients, list[State]]:
        """The batch before is part of the graph: a gradient flows into its state."""
        inputs, start = x, states
        if self.before is not None:
            inputs, start = np.concatenate([self.before[0], x], 1), self.before[1]
        self.before = (x, states)
        logits, after, kept = self._forward(inputs, start)
        loss, tail = cross_entropy(logits[:, -self.length :], y)
        dy = np.zeros_like(logits)
        dy[:, -self.length :] = tail
        gradients: Gradients = {}
        for layer, keep in zip(reversed(self.layers), reversed(kept), strict=True):
            dy, found = layer.backward(self.values, keep, dy)
            gradients |= found
        return loss, gradients, after


class Planted:
    name = "planted"
    modes = (
        "nothing", *OPTIMIZERS, "sparse_embedding", "recurrent_transposed", "state_not_carried",
        "kernel_transposed", "mean_over_batch", "state_not_detached", "loss_in_float32",
    )  # fmt: skip
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        self.mode = mode
        self.reference = load_backend("reference")
        self.reference.open(mode, threads)

    def versions(self) -> dict[str, str]:
        return {"python": sys.version.split()[0]}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        return PlantedTrainer(experiment, self.mode)


backend = Planted()
