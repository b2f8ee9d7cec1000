"""Judging a classifier: accuracy, F1 and the area under the ROC curve, by scikit-learn.

Which classes there are is the task's to say, never what a sample happens to hold. The library is
imported where it is used: it takes two seconds, and every command asks the tasks for their names.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from compare.contracts import Array, Quality
from compare.stats import Interval, bootstrap


def judge(
    wanted: Sequence[int],
    outputs: Sequence[Sequence[float]],
    resamples: int,
    names: Sequence[str] = (),
    positive: int | None = None,
) -> Quality:
    """Accuracy; F1 of the `positive` class, else the mean over all classes (macro); and the area
    under the ROC curve, where there are more than two the mean of each class against the rest.

    `wanted` are numbers of classes, `outputs` the probabilities of all classes, (n, classes).
    What is not defined for the examples is told with the class that is missing among them.
    """
    from sklearn.metrics import accuracy_score

    labels, odds = np.array(wanted), np.array(outputs)
    classes = [str(name) for name in names or range(odds.shape[-1])]
    f1 = partial(_f1, classes=classes, positive=positive)
    metrics: dict[str, tuple[Callable[..., float], Array]] = {
        "accuracy": (accuracy_score, odds.argmax(-1)),
        "f1": (f1, odds.argmax(-1)),
        "auroc": (partial(_auroc, classes=classes), odds),
    }
    if not np.isfinite(odds).all():
        return dict.fromkeys(metrics, "it diverged: its probabilities are not finite")
    return {n: _scored(metric, labels, by, resamples) for n, (metric, by) in metrics.items()}


def _scored(
    metric: Callable[..., float], labels: Array, answers: Array, resamples: int
) -> Interval | str:
    try:
        return bootstrap(metric, [labels, answers], resamples)
    except ValueError as error:
        return str(error)


def _f1(labels: Array, answers: Array, classes: Sequence[str], positive: int | None) -> float:
    from sklearn.metrics import f1_score

    of = range(len(classes)) if positive is None else [positive]
    for index in of:
        if index not in labels and index not in answers:
            raise _missing(classes[index])
    return float(f1_score(labels, answers, labels=list(of), average="macro"))


def _auroc(labels: Array, odds: Array, classes: Sequence[str]) -> float:
    from sklearn.metrics import roc_auc_score

    for index, name in enumerate(classes):
        if index not in labels:
            raise _missing(name)
    if len(classes) == 2:
        return float(roc_auc_score(labels, odds[:, 1]))
    return float(roc_auc_score(labels, odds, multi_class="ovr", labels=range(len(classes))))


def _missing(name: str) -> ValueError:
    return ValueError(f"there is no example of class '{name}' among those judged")
