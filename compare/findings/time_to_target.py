"""The target of a run, as `--target loss=5.5` names it: how long does each backend take to it?"""

from collections.abc import Sequence
from typing import NamedTuple

from compare.errors import UserError, unknown
from compare.records.record_types import Evaluated


class Target(NamedTuple):
    """A metric of the task, or "loss" for that of the validation split, and its value."""

    metric: str
    value: float

    @classmethod
    def read(cls, text: str, metrics: Sequence[str]) -> "Target | None":
        """From the command line's text; raises UserError for a metric that the task has not."""
        if not text:
            return None
        metric, _, value = text.partition("=")
        try:
            target = cls(metric, float(value))
        except ValueError:
            raise UserError(f"--target takes METRIC=NUMBER, as in loss=5.5, not '{text}'") from None
        if metric != "loss" and metric not in metrics:
            raise unknown("metric", metric, ["loss", *metrics], where="--target")
        return target

    def reached(self, evaluated: Evaluated) -> bool:
        """Whether an evaluation is as good as the target or better."""
        if self.metric == "loss":
            return evaluated.loss <= self.value
        found = evaluated.quality.get(self.metric)
        return found is not None and found.value >= self.value
