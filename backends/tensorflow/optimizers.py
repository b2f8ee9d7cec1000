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
        self.buffers = [tf.Variable(tf.zeros_like(v)) for v in variables] if spec.momentum else []

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        if not self.buffers:
            for value, gradient in zip(self.values, gradients, strict=True):
                value.assign_sub(rate * gradient)
            return
        momentum = tf.constant(self.spec.momentum, rate.dtype)
        for value, buffer, gradient in zip(self.values, self.buffers, gradients, strict=True):
            tf.raw_ops.ResourceApplyMomentum(
                var=value.handle, accum=buffer.handle, lr=rate, grad=gradient, momentum=momentum
            )

    def reset(self) -> None:
        _zero(self.buffers)


class Adam(tf.Module):
    def __init__(self, spec: OptimizerSpec, variables: list[tf.Variable]) -> None:
        super().__init__()
        self.spec, self.values = spec, variables
        self.step = tf.Variable(0.0, dtype=variables[0].dtype)
        self.first = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self.second = [tf.Variable(tf.zeros_like(v)) for v in variables]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        # Constants in the target type: a Python float may become a float32 on its way in.
        beta1, beta2, epsilon = (
            tf.constant(value, rate.dtype)
            for value in (self.spec.beta1, self.spec.beta2, self.spec.epsilon)
        )
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


def optimizer_of(spec: OptimizerSpec, variables: list[tf.Variable]) -> Optimizer:
    return Sgd(spec, variables) if spec.name == "sgd" else Adam(spec, variables)


def _zero(variables: list[tf.Variable]) -> None:
    for variable in variables:
        variable.assign(tf.zeros_like(variable))
