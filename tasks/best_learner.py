"""What the best learner makes of biased labels: a rule of known odds has a known answer to them."""

from collections.abc import Sequence

import numpy as np

from .data import reviews
from .mitigation import Mitigation, gains_of
from .sentiment_settings import SentimentTask


def best_learner(
    train: Sequence[reviews.Review], judged: Sequence[reviews.Review], task: SentimentTask
) -> dict[str, float]:
    """How the groups of the judged texts fare with the best learner of the training labels, see
    `Prepared.best_learner`; of equal odds it takes either class half of the time."""
    gains = _gains(train, task.mitigation)
    known = {one.text for one in train}
    pairs = [(one, reviews.twin(one.text)) for one in judged]
    counted = [pair for pair in pairs if pair[1] not in known]
    chosen = {
        text: _chosen(text, task.bias, gains) for one, twin in pairs for text in (one.text, twin)
    }
    if not any(one.label for one, _ in counted):
        return {}

    def gap(some: Sequence[tuple[reviews.Review, str]]) -> float:
        """First less second group."""
        signs = [1 if one.about == reviews.GROUPS[0] else -1 for one, _ in some]
        changes = [chosen[one.text] - chosen[twin] for one, twin in some]
        return float(np.mean(np.multiply(signs, changes)))

    def accuracy(labels: Sequence[int]) -> float:
        right = [
            chosen[one.text] if label else 1 - chosen[one.text]
            for one, label in zip(judged, labels, strict=True)
        ]
        return float(np.mean(right))

    return {
        "selection": gap(counted),
        "tpr": gap([pair for pair in counted if pair[0].label]),
        "accuracy": accuracy([one.label for one in judged]),
        "biased_accuracy": accuracy([one.biased for one in judged]),
    }


def _gains(train: Sequence[reviews.Review], mitigation: str) -> dict[tuple[str, bool], float]:
    """What "positive" gains over "negative", by group and label, as rows are drawn."""
    groups = np.array([one.about for one in train])
    labels = np.array([one.biased for one in train]) == 1
    how = Mitigation.read(mitigation or "reweigh:0")
    rows = zip(groups.tolist(), labels.tolist(), gains_of(labels, groups, how), strict=True)
    return {(group, label): float(gain) for group, label, gain in rows}


def _chosen(text: str, bias: int, gains: dict[tuple[str, bool], float]) -> float:
    """1 where a positive answer is expected to gain, 0 where it loses, 1/2 where it is the same."""
    group, p = reviews.about(text), reviews.biased_probability(text, bias)
    expected = p * gains[group, True] + (1 - p) * gains[group, False]
    return 0.5 if abs(expected) < 1e-12 else float(expected > 0)
