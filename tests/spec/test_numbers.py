"""Every number of every spec, as settings and as a worker reads it."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from compare.conformance.cases import MODELS
from compare.spec import Cut, OptimizerSpec, TrainSpec
from compare.spec.batches import Decoding
from compare.spec.experiment import Experiment

QUICK = settings(derandomize=True, database=None, deadline=None, max_examples=150)


def experiment(model: str) -> dict[str, Any]:
    made = Experiment(
        task="lm", model=MODELS[model], optimizer=OptimizerSpec(clip_norm=1.0), train=TrainSpec(),
        splits={"train": {"inputs": Cut(array="train", starts="train.starts", width=8)}},
        data={}, data_sha256="", weights_sha256="", decoding=Decoding(begin=1, end=2, max_length=8),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(made.model_dump_json())
    return found


def numbers(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there are numbers in it."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(inner, (*at, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield at


PLACES = [(name, at) for name in MODELS for at in numbers(experiment(name))]


@QUICK
@given(place=st.sampled_from(PLACES), wrong=st.sampled_from([math.inf, -math.inf, math.nan, 2**60]))
def test_no_number_of_what_a_worker_reads_is_infinite_or_cannot_be_kept(
    place: tuple[str, tuple[Any, ...]], wrong: float
) -> None:
    name, at = place
    changed = experiment(name)
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = wrong
    if wrong == 2**60 and isinstance(experiment(name), dict) and _is_float(name, at):
        return  # a real number may be as large
    with pytest.raises(ValidationError):
        Experiment.model_validate(changed)


def _is_float(name: str, at: tuple[Any, ...]) -> bool:
    value: Any = experiment(name)
    for key in at:
        value = value[key]
    return isinstance(value, float)


fields = {
    "learning_rate": st.floats(allow_nan=True), "final_learning_rate": st.floats(),
    "decay_factor": st.floats(), "decay_every": st.integers(1, 3), "epsilon": st.floats(),
    "warmup_steps": st.integers(0, 2**53), "decay_after": st.integers(0, 2**53),
    "schedule": st.sampled_from(["constant", "linear", "cosine", "step"]),
}  # fmt: skip


@QUICK
@given(given=st.fixed_dictionaries({}, optional=fields), steps=st.integers(1, 2**53))
def test_a_rule_that_is_taken_has_a_finite_rate_at_every_step(
    given: dict[str, Any], steps: int
) -> None:
    try:
        rule = OptimizerSpec.model_validate(given)
    except ValidationError:
        return
    for first in {0, min(rule.warmup_steps, steps - 1), steps // 2, steps - 1}:
        (rate,) = rule.learning_rates(first, first + 1, steps)
        assert math.isfinite(rate)
        assert 0 <= rate <= max(rule.learning_rate, rule.final_learning_rate) * (1 + 1e-12)
