"""The loop of a well-known small GPT: PyTorch's default AdamW, micro-batches of one, a gradient
scaler that is off on a CPU, and a loss that is read every ten steps."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_loop import LIBRARIES, Gpt
from torch_loop import Loop as TorchLoop

from compare.contracts import Unsupported, Weights
from compare.spec import Experiment

__all__ = ["LIBRARIES", "Loop"]

_LOG_STEPS = 10


class Loop(TorchLoop):
    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        if not isinstance(self.model, Gpt):
            raise Unsupported("a model that is no GPT")

    def load(self, weights: Weights) -> None:
        super().load(weights)
        spec = self.spec
        groups: Any = [  # biases and norms do not decay
            {"params": [p for p in self.parameters if p.ndim >= 2]},
            {"params": [p for p in self.parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(
            groups, spec.learning_rate, (spec.beta1, spec.beta2), spec.epsilon, spec.weight_decay
        )
        self.scaler = torch.amp.GradScaler("cpu", enabled=False)
        self.count = 0

    def _step(self, x: Tensor, y: Tensor) -> Tensor:
        logits, _ = self.called(x, None)
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1), ignore_index=-1)
        self.scaler.scale(loss).backward()
        if self.spec.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.spec.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.count % _LOG_STEPS == 0:
            loss.item()
        self.count += 1
        return loss.detach()
