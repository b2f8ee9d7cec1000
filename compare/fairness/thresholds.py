"""Mitigation after training: a threshold for each group, on outputs that are stored.

fairlearn's ThresholdOptimizer (Hardt et al. 2016) is fitted on one half of the validation texts and
judged on the other; the halves are the same for every backend. Where it would draw a decision, its
chance is counted and nothing is drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.errors import UserError
from compare.extras import needed
from compare.fairness.groups import (
    LEAST_EXAMPLES,
    LEAST_OF_A_CLASS,
    Judged,
    Odds,
    Truths,
    groups_of,
)
from compare.records.groups import Groups
from compare.records.thresholds import Thresholded
from compare.records.values import CellName
from compare.stats.resampling import RESAMPLES

CONSTRAINTS = {
    "demographic_parity": "equal shares of the positive class (demographic parity)",
    "true_positive_rate_parity": "equal true positive rates (equal opportunity)",
    "equalized_odds": "equal true and false positive rates (equalised odds)",
}
_SEED = 1  # of the halves


def judged_of(rows: Sequence[Mapping[str, Any]], positive: int) -> Judged:
    """From the lines of a cell's outputs; raises UserError where they are of no group, or not the
    finite probabilities of two classes."""
    groups = np.array([row.get("group", "") for row in rows], np.str_)
    if not any(groups):
        raise UserError("its texts are of no group: name their column by task.group")
    outputs = [row["output"] for row in rows]
    if not all(isinstance(one, list) and len(one) == 2 for one in outputs):
        raise UserError("thresholds are for two classes, and its outputs are others")
    odds = np.array(outputs, np.float64)
    if not np.isfinite(odds).all():
        raise UserError("its outputs are not finite: it diverged")
    return Judged.of(np.array([row["wanted"] for row in rows]), odds, positive, groups)


def half_of(count: int) -> NDArray[np.bool_]:
    """Which of so many examples thresholds are fitted on, (examples,)."""
    order = np.random.Generator(np.random.Philox(_SEED)).permutation(count)
    fitted = np.zeros(count, bool)
    fitted[order[: count // 2]] = True
    return fitted


def thresholded(cell: CellName, judged: Judged, constraint: str, positive: str) -> Thresholded:
    """Raises UserError where fairlearn is missing, or a group has too few examples in a half."""
    fitted = half_of(len(judged.labels))
    halves = [_where(judged, half) for half in (fitted, ~fitted)]
    for half in halves:
        _require_enough(half)
    optimizer = _fitted(halves[0], constraint)
    before, after = halves[1], _decided(optimizer, halves[1])

    def told(some: Judged) -> Groups:
        return groups_of(some, None, None, positive, RESAMPLES)

    return Thresholded(
        backend=cell.backend,
        mode=cell.mode,
        ranks=cell.ranks,
        constraint=constraint,
        fitted_on=int(fitted.sum()),
        judged_on=int((~fitted).sum()),
        before=told(before),
        fitted=told(_decided(optimizer, halves[0])),
        after=told(after),
    )


def _where(judged: Judged, which: NDArray[np.bool_]) -> Judged:
    return Judged(
        judged.labels[which],
        judged.odds[which],
        judged.chosen[which],
        judged.right[which],
        judged.groups[which],
    )


def _require_enough(half: Judged) -> None:
    names = sorted(set(half.groups.tolist()))
    if len(names) < 2:
        raise UserError(f"there is one group alone, '{names[0]}': there is nothing to compare")
    for name in names:
        labels = half.labels[half.groups == name]
        least = min(int(labels.sum()), int((~labels).sum()))
        if len(labels) < LEAST_EXAMPLES or least < LEAST_OF_A_CLASS:
            raise UserError(
                f"group '{name}' has {len(labels)} examples in one of the halves, {labels.sum()} of"
                f" them positive: too few to fit thresholds; task.judge=all takes all there are"
            )


def _fitted(half: Judged, constraint: str) -> Any:
    post = needed("fairlearn.postprocessing", "fairness")
    from sklearn.base import BaseEstimator, ClassifierMixin  # slow, and of no use to the others

    class Stored(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """What was trained, as scikit-learn knows it: its inputs are its outputs."""

        def fit(self, given: Odds, labels: Truths) -> "Stored":
            return self

        def predict_proba(self, given: Odds) -> Odds:
            return np.concatenate([1 - given, given], axis=-1)

        def __sklearn_is_fitted__(self) -> bool:
            return True

    optimizer = post.ThresholdOptimizer(
        estimator=Stored(), constraints=constraint, prefit=True, predict_method="predict_proba"
    )
    return optimizer.fit(
        half.odds[:, None], half.labels.astype(int), sensitive_features=half.groups
    )


def _decided(optimizer: Any, half: Judged) -> Judged:
    """By the thresholds' expected decisions: `predict` would draw some of them."""
    odds = optimizer._pmf_predict(half.odds[:, None], sensitive_features=half.groups)
    chosen: Odds = np.asarray(odds, np.float64)[:, 1]
    return half._replace(chosen=chosen, right=np.where(half.labels, chosen, 1 - chosen))
