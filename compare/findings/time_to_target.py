"""The target of a run, as `--target loss=5.5` names it: how long does each backend take to it?"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from compare.errors import UserError, unknown
from compare.records.record_types import Evaluated


class Target(NamedTuple):
    """A metric of the task, or "loss" for that of the validation split, and its value."""

    metric: str
    value: float

    @classmethod
    def read(
        cls, text: str, metrics: Sequence[str], best: Mapping[str, float] = MappingProxyType({})
    ) -> "Target | None":
        """From the command line's text; raises UserError for a metric that the task has not, and
        for a value that cannot be reached: `best` has what a perfect output scores."""
        if not text:
            return None
        metric, _, value = text.partition("=")
        try:
            target = cls(metric, float(value))
        except ValueError:
            raise UserError(f"--target takes METRIC=NUMBER, as in loss=5.5, not '{text}'") from None
        if metric != "loss" and metric not in metrics:
            raise unknown("metric", metric, ["loss", *metrics], where="--target")
        if not math.isfinite(target.value) or (metric == "loss" and target.value <= 0):
            raise UserError(f"--target {text} cannot be reached: a loss is above 0, and finite")
        if target.value > best.get(metric, math.inf):
            raise UserError(f"--target {text} cannot be reached: {metric} ends at {best[metric]:g}")
        return target

    def reached(self, evaluated: Evaluated) -> bool:
        """Whether an evaluation is as good as the target or better."""
        if self.metric == "loss":
            return evaluated.loss <= self.value
        found = evaluated.quality.get(self.metric)
        return found is not None and found.value >= self.value
