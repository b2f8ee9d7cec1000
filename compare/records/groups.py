"""Figures by group, as they are recorded: how a classifier treats whom its texts speak of."""

from pydantic import Field

from compare.records.values import Estimate, Record


class GroupRates(Record):
    """One group of the examples that are judged: the share that is given the positive class
    (`selection`), that share among those whose label is positive (`tpr`) and among the others
    (`fpr`), accuracy, the mean probability less the mean label (`calibration`), and the area under
    the ROC curve; null where there are too few examples, or none, to tell."""

    group: str
    count: int
    positives: int
    selection: float | None = None
    tpr: float | None = None
    fpr: float | None = None
    accuracy: float | None = None
    calibration: float | None = None
    auroc: float | None = None


class GroupGap(Record):
    """One rate of two groups, `first` less `second`, signed, with its interval over examples; of
    more than two groups the largest less the smallest, with what chance alone comes up to in 95 of
    100 (`by_chance`), since that is never below zero."""

    rate: str
    first: str
    second: str
    gap: Estimate
    by_chance: float | None = None


class TwinGap(Record):
    """Of `count` texts and the same texts of the other group: the mean change of the probability
    of the positive class, first less second group, that of decisions, the same of those whose label
    is positive (`tpr`), and the share of decisions that flip."""

    count: int
    probability: Estimate
    selection: Estimate
    tpr: Estimate | None = None
    flips: Estimate


class Groups(Record):
    """How a backend treats groups; `notes` say why a figure is missing. Where training labels are
    biased on purpose, `accuracy` is by fair labels, `biased_accuracy` by labels of that bias."""

    positive: str
    rates: list[GroupRates]
    gaps: list[GroupGap] = Field(default=[])
    twins: TwinGap | None = None
    accuracy: Estimate | None = None
    biased_accuracy: Estimate | None = None
    notes: list[str] = Field(default=[])
