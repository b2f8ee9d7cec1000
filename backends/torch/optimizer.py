"""torch's own fused optimisers, with the options that make them the canonical ones."""

from typing import Any

import torch
from torch import Tensor

from compare.spec import OptimizerSpec


def optimizer_of(spec: OptimizerSpec, parameters: list[Tensor]) -> torch.optim.Optimizer:
    options: dict[str, Any] = {"lr": spec.learning_rate, "fused": True}
    if spec.name == "sgd":
        return torch.optim.SGD(
            parameters, momentum=spec.momentum, nesterov=spec.nesterov, **options
        )
    options |= {"betas": (spec.beta1, spec.beta2), "eps": spec.epsilon}
    if spec.name == "adam":
        return torch.optim.Adam(parameters, **options)
    # torch would let every parameter decay; biases and norms do not.
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": spec.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, **options)


def clip_gradients(parameters: list[Tensor], most: float) -> None:
    """g * min(1, most / norm); torch's own clip_grad_norm_ divides by norm + 1e-6."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    # Added up in float32, one after the other, the squares of a large table lose five digits.
    norms = [torch.linalg.vector_norm(g, dtype=torch.float64) for g in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms)).to(gradients[0])
    torch._foreach_mul_(gradients, torch.clamp(most / norm, max=1.0))
