"""Training with PaddlePaddle: a plain loop of forward, backward and an update."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import paddle
from paddle import Tensor

from compare.contracts import Array, Batch, Batches, DeviceMemory, Unsupported, Weights
from compare.spec import Experiment, OptimizerSpec

from .model import IGNORED, Model

Fields = Mapping[str, Tensor]


class PaddleTrainer:
    def __init__(self, experiment: Experiment, static: bool) -> None:
        self.spec, self.train_spec = experiment, experiment.train
        if self.train_spec.dtype not in ("fp32", "fp64"):
            raise Unsupported(f"precision {self.train_spec.dtype}")
        self.dtype = "float64" if self.train_spec.dtype == "fp64" else "float32"
        paddle.set_default_dtype(self.dtype)  # that of the layers' parameters
        self.model = Model(experiment.model)
        self.entries = self.model.entries()
        self.parameters = list({id(e.tensor): e.tensor for e in self.entries.values()}.values())
        self.carries = [getattr(layer, "carry_state", False) for layer in experiment.model.layers]
        self.native = self.train_spec.dropout_masks == "native"
        # full_graph: without it what paddle cannot compile runs in Python, and nothing says so.
        self.program = paddle.jit.to_static(self.model.loss, full_graph=True) if static else None

    def programs(self) -> int:
        """How often the loss was made a program: once for each shape of a batch."""
        return len(self.program.program_cache) if self.program else 0

    def load(self, weights: Weights) -> None:
        values = {id(p): np.zeros(p.shape, self.dtype) for p in self.parameters}
        for name, entry in self.entries.items():
            entry.canonical(values[id(entry.tensor)])[...] = weights[name]
        for parameter in self.parameters:
            parameter.set_value(values[id(parameter)])
        self.optimizer = Optimizer(self.spec.optimizer, self.parameters)
        parts = self.train_spec.accumulation
        self.zeros = self.model.zero_states(self.train_spec.batch // parts)
        self.states = [self.zeros] * parts  # of each micro-batch
        paddle.seed(self.train_spec.seed)

    def weights(self) -> Weights:
        return self._canonical(self.parameters)

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        fields = _fields(batches)
        losses = [
            self._step({name: field[index] for name, field in fields.items()}, float(rate))
            for index, rate in enumerate(learning_rates)
        ]
        return paddle.stack(losses).numpy()

    def gradients(self, batch: Batch) -> Weights:
        fields, zeros = _fields(batch), self.model.zero_states(len(batch["inputs"]))
        self.model.loss(fields, self._valid(fields), zeros)[0].backward()
        found = self._canonical([parameter.grad for parameter in self.parameters])
        self.model.clear_gradients()
        return found

    @paddle.no_grad()
    def logits(self, batch: Batch) -> Array:
        zeros = self.model.zero_states(len(batch["inputs"]))
        return self.model(_fields(batch), zeros)[0].numpy()

    def memory(self) -> DeviceMemory:
        return DeviceMemory()

    def _step(self, batch: Fields, rate: float) -> Tensor:
        loss_of, valid, losses = self.program or self.model.loss, self._valid(batch), []
        rows = self.train_spec.batch // len(self.states)
        for index, before in enumerate(self.states):
            part = {n: field[index * rows : (index + 1) * rows] for n, field in batch.items()}
            loss, after = loss_of(part, valid, before, self.native)
            loss.backward()
            self.states[index] = [
                paddle.utils.map_structure(Tensor.detach, state) if carry else zero
                for state, carry, zero in zip(after, self.carries, self.zeros, strict=True)
            ]
            losses.append(loss.detach())
        self.optimizer.step(rate)
        self.model.clear_gradients()
        return paddle.add_n(losses)

    def _valid(self, batch: Fields) -> Tensor:
        return (batch["targets"] != IGNORED).sum().astype(self.dtype)

    def _canonical(self, values: list[Tensor]) -> Weights:
        """Arrays by canonical name, of tensors shaped like `self.parameters`."""
        own = {id(p): value.numpy() for p, value in zip(self.parameters, values, strict=True)}
        return {n: np.array(e.canonical(own[id(e.tensor)])) for n, e in self.entries.items()}


def _fields(batch: Batch) -> dict[str, Tensor]:
    fields: dict[str, Any] = dict(batch)
    if "targets_mask" in fields:
        valid = fields.pop("targets_mask")
        fields["targets"] = np.where(valid, fields["targets"], IGNORED)
    return {name: paddle.to_tensor(np.ascontiguousarray(f)) for name, f in fields.items()}


class Optimizer:
    """The rules of the papers: paddle's Momentum and AdamW keep their constants in float32, and
    its clipping adds to the norm."""

    def __init__(self, spec: OptimizerSpec, parameters: list[Tensor]) -> None:
        self.spec, self.parameters, self.steps = spec, parameters, 0
        self.first = [paddle.zeros_like(p) for p in parameters]
        self.second = [paddle.zeros_like(p) for p in parameters]

    @paddle.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter against its gradient."""
        self.steps += 1
        gradients = [p.grad for p in self.parameters]
        if self.spec.clip_norm is not None:
            norm = paddle.add_n([(g * g).sum() for g in gradients]).sqrt()
            factor = paddle.clip(self.spec.clip_norm / norm, max=1.0)
            gradients = [g * factor for g in gradients]
        rule = self._momentum if self.spec.name == "sgd" else self._adam
        for index, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            direction = rule(index, gradient)
            if parameter.ndim >= 2 and self.spec.weight_decay:
                direction = direction + self.spec.weight_decay * parameter
            parameter.subtract_(rate * direction)

    def _momentum(self, index: int, g: Tensor) -> Tensor:
        buffer = self.first[index] = self.spec.momentum * self.first[index] + g
        return g + self.spec.momentum * buffer if self.spec.nesterov else buffer

    def _adam(self, index: int, g: Tensor) -> Tensor:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[index] = b1 * self.first[index] + (1 - b1) * g
        v = self.second[index] = b2 * self.second[index] + (1 - b2) * g * g
        m_hat, v_hat = m / (1 - b1**self.steps), v / (1 - b2**self.steps)
        return m_hat / (v_hat.sqrt() + self.spec.epsilon)
