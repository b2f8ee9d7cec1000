"""The update rules, from optax where it computes exactly them."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from compare.spec import OptimizerSpec


def optimizer_of(spec: OptimizerSpec) -> optax.GradientTransformation:
    """From gradients to the direction of a step, which the trainer multiplies with the core's
    learning rate."""
    parts = [optax.identity()]  # plain sgd has no other
    if spec.clip_norm is not None:
        parts.append(optax.clip_by_global_norm(spec.clip_norm))
    if spec.name != "sgd":
        parts.append(_adam(spec))
    elif spec.momentum:
        parts.append(optax.trace(spec.momentum, spec.nesterov))
    if spec.weight_decay:
        parts.append(optax.add_decayed_weights(spec.weight_decay, _has_two_dimensions))
    return optax.chain(*parts)


def _has_two_dimensions(params: Any) -> Any:
    return jax.tree.map(lambda value: value.ndim >= 2, params)


def _adam(spec: OptimizerSpec) -> optax.GradientTransformation:
    """Adam's direction with an exact bias correction.

    optax.scale_by_adam computes 1 - beta2**t in float32, which at t = 1 is off by 1e-5 of its
    value, 60 times the rounding of everything else in the step.
    """

    def init(params: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return jnp.zeros((), jnp.int32), zeros, jax.tree.map(jnp.copy, zeros)

    def update(gradients: Any, moments: Any, params: Any = None) -> Any:
        count, first, second = moments
        count = count + 1
        first = optax.tree.update_moment(gradients, first, spec.beta1, 1)
        second = optax.tree.update_moment(gradients, second, spec.beta2, 2)
        # 1 - beta**t as -expm1(t log beta) keeps the digits that the subtraction would lose.
        # Its reciprocal is one number; XLA would divide every element of m and v.
        correct1, correct2 = (
            1 / -jnp.expm1(count * (math.log(beta) if beta else -math.inf))
            for beta in (spec.beta1, spec.beta2)
        )
        directions = jax.tree.map(
            lambda m, v: m * correct1 / (jnp.sqrt(v * correct2) + spec.epsilon), first, second
        )
        return directions, (count, first, second)

    return optax.GradientTransformation(init, update)
