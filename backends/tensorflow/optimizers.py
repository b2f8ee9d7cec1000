"""Update rules on TensorFlow's fused kernels, in the canonical form."""

from typing import Protocol

import tensorflow as tf

from compare.spec import OptimizerSpec


class Optimizer(Protocol):
    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None: ...

    def reset(self) -> None: ...


class Sgd(tf.Module):
    def __init__(self, spec: OptimizerSpec, variables: list[tf.Variable]) -> None:
        super().__init__()
        self.spec, self.values = spec, variables
        self.buffers = _zeros_like(variables) if spec.momentum else []

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        if not self.buffers:
            for value, gradient in zip(self.values, gradients, strict=True):
                tf.raw_ops.ResourceApplyGradientDescent(
                    var=value.handle, alpha=rate, delta=gradient
                )
            return
        momentum = tf.constant(self.spec.momentum, rate.dtype)
        for value, buffer, gradient in zip(self.values, self.buffers, gradients, strict=True):
            tf.raw_ops.ResourceApplyMomentum(
                var=value.handle, accum=buffer.handle, lr=rate, grad=gradient,
                momentum=momentum, use_nesterov=self.spec.nesterov,
            )  # fmt: skip

    def reset(self) -> None:
        _zero(self.buffers)


class Adam(tf.Module):
    def __init__(self, spec: OptimizerSpec, variables: list[tf.Variable]) -> None:
        super().__init__()
        self.spec, self.values = spec, variables
        self.step = tf.Variable(0.0, dtype=variables[0].dtype)
        self.first, self.second = _zeros_like(variables), _zeros_like(variables)
        decays = spec.name == "adamw" and spec.weight_decay > 0
        self.decayed = [v for v in variables if decays and len(v.shape) >= 2]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        # Constants in the target type: a Python float may become a float32 on its way in.
        beta1, beta2, epsilon = (
            tf.constant(value, rate.dtype)
            for value in (self.spec.beta1, self.spec.beta2, self.spec.epsilon)
        )
        # Decoupled, and before the kernel's own update: of the parameter as it was.
        # Subtracted: in float32 the factor 1 - rate * decay has few digits of the decay left.
        decay = rate * tf.constant(self.spec.weight_decay, rate.dtype)
        for value in self.decayed:
            value.assign_sub(decay * value)
        step = self.step.assign_add(tf.ones((), rate.dtype))
        power1, power2 = beta1**step, beta2**step
        # The kernel divides by sqrt(v) + epsilon, before bias correction. Scaled like sqrt(v),
        # its epsilon becomes the canonical one: outside the root and after the correction.
        scaled = epsilon * tf.sqrt(1 - power2)
        for value, m, v, gradient in zip(
            self.values, self.first, self.second, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=value.handle, m=m.handle, v=v.handle,
                beta1_power=power1, beta2_power=power2,
                lr=rate, beta1=beta1, beta2=beta2, epsilon=scaled, grad=gradient,
            )  # fmt: skip

    def reset(self) -> None:
        _zero([self.step, *self.first, *self.second])


class Clipped:
    """Clips by the global norm, then updates."""

    def __init__(self, optimizer: Optimizer, clip_norm: float) -> None:
        self.optimizer, self.clip_norm = optimizer, clip_norm

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        # tf.clip_by_global_norm multiplies by c * min(1/norm, 1/c), which may miss 1 by a bit.
        limit = tf.constant(self.clip_norm, rate.dtype)
        factor = tf.minimum(limit / tf.linalg.global_norm(gradients), 1.0)
        self.optimizer.apply([gradient * factor for gradient in gradients], rate)

    def reset(self) -> None:
        self.optimizer.reset()


def optimizer_of(spec: OptimizerSpec, variables: list[tf.Variable]) -> Optimizer:
    rule: Optimizer = (Sgd if spec.name == "sgd" else Adam)(spec, variables)
    return rule if spec.clip_norm is None else Clipped(rule, spec.clip_norm)


def _zeros_like(variables: list[tf.Variable]) -> list[tf.Variable]:
    return [tf.Variable(tf.zeros_like(variable), trainable=False) for variable in variables]


def _zero(variables: list[tf.Variable]) -> None:
    for variable in variables:
        variable.assign(tf.zeros_like(variable))
