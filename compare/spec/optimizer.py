"""An update rule and its schedule of learning rates as data."""

import math
from typing import Literal

from pydantic import Field, model_validator

from compare.spec.parameters import Spec

LARGEST = 1e30
"""Numbers of an update rule are kept as float32 too, which ends at 3.4e38."""


class OptimizerSpec(Spec):
    """The update rule, as in its paper and not as in a framework. g is the gradient after
    clipping, lr the rate that the schedule gives for the step.

    sgd:   buf = momentum * buf + g;  p -= lr * buf; with nesterov p -= lr * (g + momentum * buf)
    adam:  p -= lr * m_hat / (sqrt(v_hat) + epsilon), Kingma and Ba 2015, algorithm 1
    adamw: additionally p -= lr * weight_decay * p, with p as it was before the step, on
           parameters of two or more dimensions (Loshchilov and Hutter 2019, algorithm 2)

    clip_norm: g * min(1, clip_norm / norm), the norm over all parameters (Pascanu et al. 2013)
    """

    name: Literal["sgd", "adam", "adamw"] = Field(default="adam", description="the update rule")
    learning_rate: float = Field(
        default=0.001, gt=0, le=LARGEST, description="where the schedule begins"
    )
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd")
    nesterov: bool = Field(default=False, description="look ahead along the momentum")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of adam's first moment")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="decay of adam's second moment")
    epsilon: float = Field(
        default=1e-8, ge=1e-30, le=LARGEST, description="added to the root in adam's divisor"
    )
    weight_decay: float = Field(
        default=0.0, ge=0, le=LARGEST, description="of adamw, apart from the gradient"
    )
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        le=LARGEST,
        description="largest norm of the gradient over all parameters",
    )
    schedule: Literal["constant", "linear", "cosine", "step"] = Field(
        default="constant", description="how the learning rate goes on after the warm-up"
    )
    warmup_steps: int = Field(default=0, ge=0, description="linear rise before the schedule")
    final_learning_rate: float = Field(
        default=0.0, ge=0, le=LARGEST, description="end of linear and cosine"
    )
    decay_every: int = Field(default=1, gt=0, description="steps between decays of `step`")
    decay_after: int = Field(default=0, ge=0, description="steps before `step` begins to decay")
    decay_factor: float = Field(
        default=1.0, gt=0, le=1, description="factor of each decay of `step`"
    )

    @model_validator(mode="after")
    def _settings_belong_to_the_rule(self) -> "OptimizerSpec":
        if self.momentum and self.name != "sgd":
            raise ValueError(f"momentum is a setting of sgd, not of {self.name}")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum")
        if self.weight_decay and self.name != "adamw":
            raise ValueError(f"weight_decay is a setting of adamw, not of {self.name}")
        return self

    def without_say(self) -> dict[str, str]:
        """The fields that change nothing here, and what each is of."""
        found: dict[str, str] = {}
        if self.name == "sgd":
            found |= dict.fromkeys(("beta1", "beta2", "epsilon"), "adam and adamw")
        if self.schedule not in ("linear", "cosine"):
            found |= {"final_learning_rate": "the schedules linear and cosine"}
        if self.schedule != "step":
            names = ("decay_every", "decay_after", "decay_factor")
            found |= dict.fromkeys(names, "the schedule step")
        return found

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
