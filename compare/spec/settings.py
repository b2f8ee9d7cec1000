"""What a user can set, in sections: a task refines `task` and `model` with fields of its own."""

import re
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from compare.limits import ANSWER_SECONDS, LONGEST_SECONDS
from compare.spec.optimizer import OptimizerSpec
from compare.spec.parameters import Spec, Takes
from compare.spec.training import TrainSpec


class Section(Spec):
    """A group of fields; unknown names are errors."""


class TaskSection(Section):
    """What every task can be told: which data to read instead of its generated corpus."""

    data: str | None = Field(
        default=None, description="files, pydoc or hf:NAME to read; else a corpus is generated"
    )


_PERCENT = re.compile(r"\s*(\d*\.?\d+)\s*%\s*")
_DURATION = re.compile(r"\s*(\d*\.?\d+)\s*([smh]?)\s*")


def _fraction(value: Any) -> Any:
    """ "2%" as 0.02"""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) / 100 if found else value


def _seconds(value: Any) -> Any:
    """ "90", "90s", "1.5m" or "2h" as seconds"""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]] if found else value


Fraction = Annotated[
    float, BeforeValidator(_fraction), Takes("a percentage above 0% and below 100%, such as 2%")
]
Seconds = Annotated[
    float, BeforeValidator(_seconds), Takes("a time above 0, such as 90s, 10m or 2h")
]
DeviceName = Annotated[str, Takes("auto, cpu, mps, cuda or one of several, such as cuda:0")]

DEFAULT_BUDGET = 600.0
"""Seconds that a precision is sought for, unless it is told."""


class RunSection(Section):
    """How a comparison is played; none of it changes what is computed."""

    threads: int | None = Field(
        default=None, gt=0, description="CPU threads; else all CPUs, or what a quota grants"
    )
    device: DeviceName = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="what all compute on; auto: the best kind that every backend sees",
    )
    rounds: int = Field(
        default=5,
        gt=0,
        description="fresh processes per cell, one after another; the first one trains whole",
    )
    timeout: float = Field(
        default=ANSWER_SECONDS,
        gt=0,
        le=LONGEST_SECONDS,
        description="seconds a worker may take for one answer",
    )
    target: str = Field(default="", description="such as loss=5.5: how long until it is reached")
    target_every: int = Field(default=0, ge=0, description="steps between looks; 0: 20 looks")
    save_weights: bool = Field(default=False, description="keep what was trained, to generate")
    control: bool = Field(default=False, description="play each backend twice: its own noise")
    precision: Fraction | None = Field(
        default=None, gt=0, lt=1, description="such as 2%: time until intervals are as narrow"
    )
    wait_for_quiet: bool = Field(
        default=True,
        description="with a precision: no window while others use the CPUs, nor do such count",
    )
    budget: Seconds | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="such as 10m: begin no window after it, once trained",
    )
    roofline: bool = Field(default=True, description="measure what the machine can do: 3 seconds")
    price_per_hour: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="of the machine, in any currency"
    )

    @model_validator(mode="after")
    def _looks_are_for_a_target(self) -> Self:
        if self.target_every and not self.target:
            raise ValueError("target_every is of a --target, and there is none")
        return self

    @property
    def measuring_seconds(self) -> float:
        """How long to go on measuring, from the start on; 0 for no longer than the training."""
        return self.budget or (DEFAULT_BUDGET if self.precision else 0.0)


class Settings(Section):
    """All sections; tasks refine `task` and `model`."""

    task: TaskSection = TaskSection()
    model: Section = Section()
    optimizer: OptimizerSpec = OptimizerSpec()
    train: TrainSpec = TrainSpec()
    run: RunSection = RunSection()
