"""Update rules as Keras optimizers, in the canonical form that Keras's own do not have."""

import math
from typing import Any

import keras
from keras import ops

from compare.spec import OptimizerSpec


class Rule(keras.optimizers.Optimizer):
    """What the rules share: one rate, and clipping."""

    def __init__(self, spec: OptimizerSpec) -> None:
        super().__init__(learning_rate=spec.learning_rate)
        self.spec = spec

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        if self.spec.clip_norm is not None:
            grads = _clipped(grads, self.spec.clip_norm)
        super().apply(grads, trainable_variables)


class Sgd(Rule):
    """buf = momentum * buf + g; p -= lr * buf. Keras folds the rate into its velocity."""

    def build(self, variables: list[Any]) -> None:
        super().build(variables)
        self.buffers = (
            [self.add_variable_from_reference(v, "buffer") for v in variables]
            if self.spec.momentum
            else []
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        gradient = ops.cast(gradient, variable.dtype)
        if self.buffers:
            buffer = self.buffers[self._get_variable_index(variable)]
            momentum = _constant(self.spec.momentum, variable.dtype)
            updated = momentum * buffer + gradient
            self.assign(buffer, updated)
            gradient = gradient + momentum * updated if self.spec.nesterov else updated
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * gradient)


class Adam(Rule):
    """p -= lr * m_hat / (sqrt(v_hat) + eps). Keras adds its epsilon before bias correction.

    AdamW adds lr * weight_decay * p, where Keras's own decays vectors too.
    """

    def build(self, variables: list[Any]) -> None:
        super().build(variables)
        self.first = [self.add_variable_from_reference(v, "first") for v in variables]
        self.second = [self.add_variable_from_reference(v, "second") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        dtype = variable.dtype
        index = self._get_variable_index(variable)
        m, v = self.first[index], self.second[index]
        b1, b2 = self.spec.beta1, self.spec.beta2
        step = ops.cast(self.iterations + 1, dtype)
        # 1 - b in Python's float64: from a float32 0.999 it would be off by 1e-5 of its value.
        new_m = _constant(b1, dtype) * m + _constant(1 - b1, dtype) * gradient
        new_v = _constant(b2, dtype) * v + _constant(1 - b2, dtype) * ops.square(gradient)
        self.assign(m, new_m)
        self.assign(v, new_v)
        # Times a reciprocal, which is one number: XLA would divide every element of m and v.
        one = _constant(1.0, dtype)
        m_hat = new_m * (one / _one_minus_power(b1, step))
        v_hat = new_v * (one / _one_minus_power(b2, step))
        direction = m_hat / (ops.sqrt(v_hat) + _constant(self.spec.epsilon, dtype))
        if self.spec.weight_decay and len(variable.shape) >= 2:
            direction = direction + _constant(self.spec.weight_decay, dtype) * variable
        self.assign_sub(variable, ops.cast(learning_rate, dtype) * direction)


def optimizer_of(spec: OptimizerSpec) -> keras.optimizers.Optimizer:
    return Sgd(spec) if spec.name == "sgd" else Adam(spec)


def _clipped(gradients: list[Any], limit: float) -> list[Any]:
    """g * min(1, limit / norm). Keras's global_clipnorm takes an embedding's repeats apart."""
    dtype = gradients[0].dtype
    norm = ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
    factor = ops.minimum(_constant(1.0, dtype), _constant(limit, dtype) / norm)
    return [gradient * factor for gradient in gradients]


def _one_minus_power(beta: float, step: Any) -> Any:
    """1 - beta**step without losing the digits that a float32 subtraction would lose."""
    rate = math.log(beta) if beta else -math.inf
    return -ops.expm1(step * _constant(rate, step.dtype))


def _constant(value: float, dtype: str) -> Any:
    return ops.convert_to_tensor(value, dtype)  # a bare Python float could pass through float32
