"""The update rules of `OptimizerSpec`, word for word."""

import numpy as np

from compare.spec import OptimizerSpec

from .layers import Array, Gradients


class Optimizer:
    def __init__(self, spec: OptimizerSpec) -> None:
        self.spec = spec
        self.step = 0
        self.first: Gradients = {}  # Adam's m, or the momentum buffer
        self.second: Gradients = {}  # Adam's v

    def update(self, values: Gradients, gradients: Gradients, rate: float) -> None:
        """Change `values` in place by one step at the learning rate `rate`."""
        self.step += 1
        for name, g in self._clipped(gradients).items():
            direction = self._momentum(name, g) if self.spec.name == "sgd" else self._adam(name, g)
            values[name] = values[name] - rate * (direction + self._decay(values[name]))

    def _clipped(self, gradients: Gradients) -> Gradients:
        if self.spec.clip_norm is None:
            return gradients
        norm = np.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
        factor = min(1.0, self.spec.clip_norm / norm) if norm else 1.0
        return {name: g * factor for name, g in gradients.items()}

    def _decay(self, value: Array) -> Array | float:
        return self.spec.weight_decay * value if value.ndim >= 2 else 0.0

    def _momentum(self, name: str, g: Array) -> Array:
        buffer = self.first[name] = self.spec.momentum * self.first.get(name, 0.0) + g
        return g + self.spec.momentum * buffer if self.spec.nesterov else buffer

    def _adam(self, name: str, g: Array) -> Array:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
        v = self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
        m_hat, v_hat = m / (1 - b1**self.step), v / (1 - b2**self.step)
        direction: Array = m_hat / (np.sqrt(v_hat) + self.spec.epsilon)
        return direction
