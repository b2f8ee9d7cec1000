"""One experiment as pure data: model, optimiser, training and the plan of its batches.

Nothing here computes with arrays or knows a framework. Adapters read these classes, and the
canonical JSON of an `Experiment` is what its fingerprint is taken of.
"""

import hashlib
import json
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

Precision = Literal["fp32", "fp64"]


class Spec(BaseModel):
    """Base of all specs: frozen, and strict about names, so that a typo is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Initializer(Spec):
    """How a parameter is drawn: uniform in [-scale, scale]; scale 0 gives zeros."""

    scale: float = Field(ge=0)


class Parameter(NamedTuple):
    """Shape and initialiser of one parameter, as `ModelSpec.parameters` lists them."""

    shape: tuple[int, ...]
    initializer: Initializer


ZEROS = Initializer(scale=0.0)


class Embedding(Spec):
    """Token ids (batch, time) -> vectors (batch, time, dim): row lookup in table (vocab, dim)."""

    kind: Literal["embedding"] = "embedding"
    name: str = "embedding"
    vocab: int = Field(gt=1)
    dim: int = Field(gt=0)

    def parameters(self) -> dict[str, Parameter]:
        # Uniform in +-0.1: Zaremba et al. 2014 (arXiv:1409.2329), section 4.1, small model.
        shape = (self.vocab, self.dim)
        return {f"{self.name}.table": Parameter(shape, Initializer(scale=0.1))}


class Recurrent(Spec):
    """Stacked recurrent layers over (batch, time, inputs) -> (batch, time, hidden).

    `elman`: h = tanh(x @ kernel + h @ recurrent + bias), one bias (Elman 1990). With
    `carry_state` a training batch starts from the state in which the last one ended,
    without a gradient flowing back into it.
    """

    kind: Literal["recurrent"] = "recurrent"
    name: str = "rnn"
    cell: Literal["elman"] = "elman"
    inputs: int = Field(gt=0)
    hidden: int = Field(gt=0)
    layers: int = Field(gt=0)
    carry_state: bool = True

    def parameters(self) -> dict[str, Parameter]:
        # Uniform in +-1/sqrt(hidden): the field's common choice for small recurrent layers.
        draw = Initializer(scale=self.hidden**-0.5)
        found: dict[str, Parameter] = {}
        for index in range(self.layers):
            width = self.inputs if index == 0 else self.hidden
            found[f"{self.name}.{index}.kernel"] = Parameter((width, self.hidden), draw)
            found[f"{self.name}.{index}.recurrent"] = Parameter((self.hidden, self.hidden), draw)
            found[f"{self.name}.{index}.bias"] = Parameter((self.hidden,), ZEROS)
        return found


class Dense(Spec):
    """y = x @ kernel + bias over the last axis, kernel (inputs, outputs)."""

    kind: Literal["dense"] = "dense"
    name: str = "dense"
    inputs: int = Field(gt=0)
    outputs: int = Field(gt=0)

    def parameters(self) -> dict[str, Parameter]:
        # Glorot and Bengio 2010, equation 16.
        draw = Initializer(scale=(6.0 / (self.inputs + self.outputs)) ** 0.5)
        return {
            f"{self.name}.kernel": Parameter((self.inputs, self.outputs), draw),
            f"{self.name}.bias": Parameter((self.outputs,), ZEROS),
        }


Layer = Annotated[Embedding | Recurrent | Dense, Field(discriminator="kind")]


class ModelSpec(Spec):
    """Layers applied one after the other, from token ids to logits."""

    layers: tuple[Layer, ...]

    def parameters(self) -> dict[str, Parameter]:
        """Every trainable parameter by its canonical name, in the order of the layers."""
        found: dict[str, Parameter] = {}
        for layer in self.layers:
            for name, parameter in layer.parameters().items():
                if name in found:
                    raise ValueError(f"two layers share the parameter name {name!r}")
                found[name] = parameter
        return found


class OptimizerSpec(Spec):
    """The update rule; `semantics` of each field as in its paper, not as in a framework.

    sgd:  buf = momentum * buf + g;  p -= lr * buf
    adam: p -= lr * m_hat / (sqrt(v_hat) + epsilon), Kingma and Ba 2015, algorithm 1
    """

    name: Literal["sgd", "adam"] = "adam"
    learning_rate: float = Field(default=0.001, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0)

    @model_validator(mode="after")
    def _momentum_belongs_to_sgd(self) -> "OptimizerSpec":
        if self.momentum and self.name != "sgd":
            raise ValueError(f"momentum is a setting of sgd, not of {self.name}")
        return self

    def learning_rates(self, first: int, last: int) -> list[float]:
        """The rate of each step in [first, last), the same numbers for every backend."""
        return [self.learning_rate] * (last - first)


class TrainSpec(Spec):
    """How long and on what each backend trains."""

    batch: int = Field(default=20, gt=0, description="sequences per step")
    sequence_length: int = Field(default=35, gt=0, description="tokens per sequence")
    steps: int = Field(default=100, gt=0, description="optimiser steps")
    validation_batches: int = Field(default=10, gt=0, description="batches of the last evaluation")
    seed: int = Field(default=1, ge=0, description="draws the initial weights")
    precision: Precision = "fp32"


class Cut(Spec):
    """One field of a batch, cut out of a flat array.

    Row r of step s is `array[starts[s, r] + offset :][:width]`, where `array` and `starts`
    name files of the data folder: (n,) and (steps, batch) int64.
    """

    array: str
    starts: str
    offset: int = Field(default=0, ge=0)
    width: int = Field(gt=0)


class Experiment(Spec):
    """One fully resolved training: what every backend is given, and nothing else.

    `splits` has the batch fields of "train" and "validation" by name; a language model's are
    `inputs` and `targets`, each (batch, time) int32.
    """

    task: str
    model: ModelSpec
    optimizer: OptimizerSpec
    train: TrainSpec
    splits: dict[str, dict[str, Cut]]
    data: dict[str, str | int | float]
    data_sha256: str
    weights_sha256: str

    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON: equal fingerprints are the same training."""
        return hashlib.sha256(canonical_json(self).encode()).hexdigest()


def canonical_json(spec: Spec) -> str:
    """JSON with sorted keys and no white space: one text for one value."""
    return json.dumps(spec.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
