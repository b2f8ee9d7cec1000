"""Training by hand: forward, backward, update, all in float64."""

from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Batches, DeviceMemory, Weights
from compare.spec import Experiment, OptimizerSpec

from .layers import Gradients, State, layer_of


class ReferenceTrainer:
    def __init__(self, experiment: Experiment) -> None:
        self.layers = [layer_of(layer) for layer in experiment.model.layers]
        self.carries = [getattr(layer, "carry_state", False) for layer in experiment.model.layers]
        self.values: Gradients = {}
        self.states: list[State] = [None] * len(self.layers)
        self.optimizer = Optimizer(experiment.optimizer)

    def load(self, weights: Weights) -> None:
        self.values = {name: np.array(value, np.float64) for name, value in weights.items()}
        self.states = [None] * len(self.layers)
        self.optimizer = Optimizer(self.optimizer.spec)

    def weights(self) -> Weights:
        return {name: value.copy() for name, value in self.values.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = []
        for x, y, rate in zip(batches["inputs"], batches["targets"], learning_rates, strict=True):
            loss, gradients, states = self._differentiate(x, y, self.states)
            self.optimizer.update(self.values, gradients, float(rate))
            self.states = [
                state if carry else None for state, carry in zip(states, self.carries, strict=True)
            ]
            losses.append(loss)
        return np.array(losses)

    def gradients(self, batch: Batch) -> Weights:
        fresh: list[State] = [None] * len(self.layers)
        return self._differentiate(batch["inputs"], batch["targets"], fresh)[1]

    def logits(self, batch: Batch) -> Array:
        return self._forward(batch["inputs"], [None] * len(self.layers))[0]

    def memory(self) -> DeviceMemory:
        return DeviceMemory()

    def _forward(self, x: Array, states: list[State]) -> tuple[Array, list[State], list[Any]]:
        after, kept = [], []
        for layer, state in zip(self.layers, states, strict=True):
            x, state, keep = layer.forward(self.values, x, state)
            after.append(state)
            kept.append(keep)
        return x, after, kept

    def _differentiate(
        self, x: Array, y: Array, states: list[State]
    ) -> tuple[float, Gradients, list[State]]:
        logits, after, kept = self._forward(x, states)
        loss, dy = cross_entropy(logits, y)
        gradients: Gradients = {}
        for layer, keep in zip(reversed(self.layers), reversed(kept), strict=True):
            dy, found = layer.backward(self.values, keep, dy)
            gradients |= found
        return loss, gradients, after


def cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Mean of -log softmax(logits)[target], and its gradient (softmax - onehot) / tokens."""
    shifted = logits - logits.max(-1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(-1, keepdims=True))
    log_p = shifted - log_sum  # (batch, time, vocab)
    index = targets[..., None]
    loss = -np.take_along_axis(log_p, index, -1).sum() / targets.size
    gradient = np.exp(log_p)
    np.put_along_axis(gradient, index, np.take_along_axis(gradient, index, -1) - 1.0, -1)
    return float(loss), gradient / targets.size


class Optimizer:
    """The update rules of `OptimizerSpec`, word for word."""

    def __init__(self, spec: OptimizerSpec) -> None:
        self.spec = spec
        self.step = 0
        self.first: Gradients = {}  # Adam's m, or the momentum buffer
        self.second: Gradients = {}  # Adam's v

    def update(self, values: Gradients, gradients: Gradients, rate: float) -> None:
        """Change `values` in place by one step at the learning rate `rate`."""
        self.step += 1
        for name, g in gradients.items():
            if self.spec.name == "sgd":
                values[name] -= rate * self._momentum(name, g)
            else:
                values[name] -= rate * self._adam(name, g)

    def _momentum(self, name: str, g: Array) -> Array:
        self.first[name] = self.spec.momentum * self.first.get(name, 0.0) + g
        return self.first[name]

    def _adam(self, name: str, g: Array) -> Array:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
        v = self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
        m_hat, v_hat = m / (1 - b1**self.step), v / (1 - b2**self.step)
        direction: Array = m_hat / (np.sqrt(v_hat) + self.spec.epsilon)
        return direction
