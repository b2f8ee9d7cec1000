"""Models that are asked in the test's own process, in float64: no training, no worker."""

from functools import cache
from typing import Any

import numpy as np

from compare.contracts.backend import Device, Trainer
from compare.contracts.loading import load_backend
from compare.explain.model import Answer, Model
from compare.explain.subjects import Subject
from compare.explain.texts import Texts, texts_of
from compare.explain.variants import Weights
from compare.planning.plan import Plan, make_plan
from compare.records.values import Request
from compare.spec.arrays import Array, Batch
from compare.spec.experiment import Experiment


@cache
def planned(task: str = "sentiment", **model: Any) -> Plan:
    """A tiny model in float64, untrained."""
    overrides = [{"train": {"dtype": "fp64"}, "model": model}]
    request = Request(task=task, preset="tiny", overrides=overrides, backends=[], pythons={})
    return make_plan(request, [], choices=[])


def answering(backend: str) -> Answer:
    """What asks a backend here."""
    opened = load_backend(backend)
    opened.open(opened.modes[0], 1)
    built: dict[str, Trainer] = {}

    def answer(experiment: Experiment, weights: Weights, batch: Batch, gradient: str) -> Array:
        name = experiment.fingerprint()
        if name not in built:
            built[name] = opened.build(experiment, Device("cpu"))
        built[name].load(weights)
        if not gradient:
            return np.asarray(built[name].logits(batch))
        return np.array(built[name].gradients(batch)[gradient])

    return answer


def model_of(
    plan: Plan, backend: str = "reference", answer: Answer | None = None, texts: int = 6
) -> tuple[Model, list[Subject], Texts]:
    """A model and what is asked of it about the first validation texts."""
    found = texts_of(plan.experiment, plan.prepared, texts)
    weights = {name: value.astype(np.float64) * 2 for name, value in plan.weights.items()}
    model = Model(answer or answering(backend), plan.experiment, weights, found.asking)
    return model, found.subjects, found
