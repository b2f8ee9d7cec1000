"""One experiment as pure data: model, optimiser, training and the plan of its batches.

Nothing here computes with arrays or knows a framework. Adapters read these classes, and the
canonical JSON of an `Experiment` is what its fingerprint is taken of.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from compare.layers import (
    AnyLayer,
    CrossAttention,
    Pool,
    PositionalEmbedding,
    Recurrent,
    TiedHead,
    TransformerBlock,
)
from compare.parameters import DropoutSite, Parameter, Spec

Precision = Literal["fp32", "fp64", "tf32", "bf16"]
"""fp64 and fp32 strictly; tf32: float32 whose matrix products may round their operands to
TensorFloat-32; bf16: matrix products of operands rounded to bfloat16, whose results may be rounded
to it too, and float32 for weights, biases, norms, softmax, the residual stream and the loss."""


class ModelSpec(Spec):
    """A chain of layers from token ids `inputs` to logits, and in an encoder-decoder (Sutskever
    et al. 2014) a second one: `encoder` turns the ids `source` into the memory (batch, time,
    width) that the cross-attention of `layers` looks at.
    """

    layers: tuple[AnyLayer, ...]
    encoder: tuple[AnyLayer, ...] = ()

    def classifies(self) -> bool:
        """Whether there is one answer per sequence: behind a `Pool`."""
        return any(isinstance(layer, Pool) for layer in self.layers)

    def context(self, encoder: bool = False) -> int | None:
        """Most tokens that the chain, or the encoder, can look at; None where there is no limit."""
        layers = self.encoder if encoder else self.layers
        tables = [layer.length for layer in layers if isinstance(layer, PositionalEmbedding)]
        return min(tables, default=None)

    def parameters(self) -> dict[str, Parameter]:
        """Every trainable parameter by its canonical name, in the order of the layers."""
        found: dict[str, Parameter] = {}
        for layer in (*self.encoder, *self.layers):
            for name, parameter in layer.parameters().items():
                if name in found:
                    raise ValueError(f"two layers share the parameter name {name!r}")
                found[name] = parameter
        return found

    def dropouts(self) -> Iterator[tuple[str, str, DropoutSite]]:
        """Every place that drops values: its name, the field whose time axis it has ("" for one
        behind a `Pool`, of time 1), and its width and rate."""
        for field, layers in (("source", self.encoder), ("inputs", self.layers)):
            for layer in layers:
                field = "" if isinstance(layer, Pool) else field
                for name, site in layer.dropouts().items():
                    yield name, field, site

    @model_validator(mode="after")
    def _parts_fit(self) -> "ModelSpec":
        attends = [
            layer.name
            for layer in (*self.encoder, *self.layers)
            if isinstance(layer, CrossAttention)
            or (isinstance(layer, TransformerBlock) and layer.memory)
        ]
        if attends and not self.encoder:
            raise ValueError(f"{attends[0]} attends to an encoder, and there is none")
        for layer in self.encoder:
            if isinstance(layer, Recurrent) and layer.carry_state:
                raise ValueError(f"{layer.name} is in the encoder: it cannot carry its state")
        known = self.parameters()
        for layer in self.layers:
            if isinstance(layer, TiedHead) and layer.table not in known:
                raise ValueError(f"{layer.name} is tied to {layer.table}, which is not there")
        return self


class OptimizerSpec(Spec):
    """The update rule, as in its paper and not as in a framework. g is the gradient after
    clipping, lr the rate that the schedule gives for the step.

    sgd:   buf = momentum * buf + g;  p -= lr * buf; with nesterov p -= lr * (g + momentum * buf)
    adam:  p -= lr * m_hat / (sqrt(v_hat) + epsilon), Kingma and Ba 2015, algorithm 1
    adamw: additionally p -= lr * weight_decay * p, with p as it was before the step, on
           parameters of two or more dimensions (Loshchilov and Hutter 2019, algorithm 2)

    clip_norm: g * min(1, clip_norm / norm), the norm over all parameters (Pascanu et al. 2013)
    """

    name: Literal["sgd", "adam", "adamw"] = "adam"
    learning_rate: float = Field(default=0.001, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    nesterov: bool = False
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float | None = Field(default=None, gt=0)
    schedule: Literal["constant", "linear", "cosine", "step"] = "constant"
    warmup_steps: int = Field(default=0, ge=0, description="linear rise before the schedule")
    final_learning_rate: float = Field(default=0.0, ge=0, description="end of linear and cosine")
    decay_every: int = Field(default=1, gt=0, description="steps between decays of `step`")
    decay_after: int = Field(default=0, ge=0, description="steps before `step` begins to decay")
    decay_factor: float = Field(default=1.0, gt=0, description="factor of each decay of `step`")

    @model_validator(mode="after")
    def _settings_belong_to_the_rule(self) -> "OptimizerSpec":
        if self.momentum and self.name != "sgd":
            raise ValueError(f"momentum is a setting of sgd, not of {self.name}")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum")
        if self.weight_decay and self.name != "adamw":
            raise ValueError(f"weight_decay is a setting of adamw, not of {self.name}")
        return self

    def learning_rates(self, first: int, last: int, steps: int) -> list[float]:
        """The rate of each step in [first, last) of `steps`, the same for every backend."""
        return [self._learning_rate(step, steps) for step in range(first, last)]

    def _learning_rate(self, step: int, steps: int) -> float:
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        progress = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        span = self.learning_rate - self.final_learning_rate
        match self.schedule:
            case "constant":
                return self.learning_rate
            case "linear":
                return self.learning_rate - span * progress
            case "cosine":  # Loshchilov and Hutter 2017, equation 5
                return self.final_learning_rate + span * (1 + math.cos(math.pi * progress)) / 2
            case "step":
                decays = max(0, step - self.decay_after) // self.decay_every
                return self.learning_rate * self.decay_factor**decays


class TrainSpec(Spec):
    """How long and on what each backend trains.

    The loss of a step is the sum of -log p over the valid tokens of its whole batch, divided by
    their number, however many micro-batches the batch is worked off in.
    """

    batch: int = Field(default=20, gt=0, description="sequences per step")
    accumulation: int = Field(default=1, gt=0, description="micro-batches of equal size per step")
    sequence_length: int = Field(default=35, gt=0, description="tokens per sequence")
    steps: int = Field(default=100, gt=0, description="optimiser steps")
    validation_batches: int = Field(default=10, gt=0, description="batches of the last evaluation")
    seed: int = Field(default=1, ge=0, description="draws weights, dropout, order of examples")
    precision: Precision = "fp32"
    dropout_masks: Literal["core", "native"] = Field(
        default="core", description="drawn alike for every backend, or by each framework itself"
    )

    @model_validator(mode="after")
    def _micro_batches_are_of_equal_size(self) -> "TrainSpec":
        if self.batch % self.accumulation:
            raise ValueError(
                f"a batch of {self.batch} is not {self.accumulation} equal micro-batches"
            )
        return self


class Cut(Spec):
    """One field of a batch, cut out of a flat array.

    Row r of step s is `array[starts[s, r] + offset :][:width]`, where `array` and `starts`
    name files of the data folder: (n,) and (steps, batch) int64. Where sequences of like length
    share a batch, `widths` names one more, (steps,): the width of each step, at most `width`.
    """

    array: str
    starts: str
    offset: int = Field(default=0, ge=0)
    width: int = Field(gt=0)
    widths: str | None = None


class Decoding(Spec):
    """How an encoder-decoder's output is searched for, see `compare.decoding.beam_search`."""

    begin: int = Field(ge=0, description="token id that every output starts from")
    end: int = Field(ge=0, description="token id that ends an output")
    max_length: int = Field(gt=0, description="tokens of an output, the end included")
    beams: int = Field(default=1, gt=0, description="1 is greedy decoding")
    length_penalty: float = Field(default=1.0, ge=0, description="0 prefers short outputs")


class Experiment(Spec):
    """One fully resolved training: what every backend is given, and nothing else.

    `splits` has the batch fields of "train" and "validation" by name: token ids `inputs` and
    `targets`, (batch, time) int32; with an encoder `source`; and where there is padding the
    masks `inputs_mask`, `targets_mask`, `source_mask`, bool, True where a position is valid.
    Behind a `Pool` the targets are (batch, 1).
    """

    task: str
    model: ModelSpec
    optimizer: OptimizerSpec
    train: TrainSpec
    splits: dict[str, dict[str, Cut]]
    data: dict[str, str | int | float]
    data_sha256: str
    weights_sha256: str
    decoding: Decoding | None = None

    def losses_are_comparable(self) -> bool:
        """Whether every backend has to arrive at the same losses: not where each draws dropout
        masks of its own."""
        return self.train.dropout_masks == "core" or not any(self.model.dropouts())

    def learning_rates(self, first: int, last: int) -> list[float]:
        """The rate of each step in [first, last)."""
        return self.optimizer.learning_rates(first, last, self.train.steps)

    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON: equal fingerprints are the same training."""
        return hashlib.sha256(canonical_json(self).encode()).hexdigest()


def canonical_json(spec: Spec) -> str:
    """JSON with sorted keys and no white space: one text for one value."""
    return json.dumps(spec.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
