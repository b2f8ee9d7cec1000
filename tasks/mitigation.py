"""Mitigation before training: rows are drawn so that labels and groups lose their tie.

Every backend then trains on the very same rows, so what is left of a bias is no framework's doing.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.contracts import Array
from compare.errors import UserError, unknown
from compare.spec.weights import generator

_FORM = re.compile(r"^(?P<kind>[a-z]+):(?P<strength>\d+(?:\.\d+)?)$")
KINDS = ("reweigh", "parity", "tpr")
Labelled = tuple[str, int]


class Mitigation(NamedTuple):
    """`reweigh` by Kamiran and Calders 2012, to the power of `strength`, from 0 to 1; `parity` and
    `tpr` by Agarwal et al. 2018, the best response to one multiplier, `strength`."""

    kind: str
    strength: float

    @classmethod
    def read(cls, text: str) -> "Mitigation":
        """From "reweigh:1"; raises ValueError for anything that is none."""
        found = _FORM.match(text)
        if not found:
            raise ValueError(f"mitigation is {', '.join(KINDS)} with a strength: reweigh:1")
        if found["kind"] not in KINDS:
            raise ValueError(str(unknown("mitigation", found["kind"], KINDS)))
        strength = float(found["strength"])
        if found["kind"] == "reweigh" and strength > 1:
            raise ValueError("the strength of reweigh is from 0 to 1")
        return cls(found["kind"], strength)


def mitigated(
    rows: Sequence[Labelled], groups: Sequence[str], text: str, positive: int, seed: int
) -> Sequence[Labelled]:
    """The training rows as `task.mitigation` has them; as they are where it is empty."""
    return drawn(rows, groups, Mitigation.read(text), positive, seed) if text else rows


def drawn(
    rows: Sequence[Labelled], groups: Sequence[str], how: Mitigation, positive: int, seed: int
) -> list[Labelled]:
    """As many rows of two classes, drawn in proportion to their weights, in the order of the given
    ones; some stand there twice, some not at all. Of `parity` and `tpr` labels change too."""
    labels = np.array([label for _, label in rows]) == positive
    gains = gains_of(labels, np.array(groups), how)
    weights, kept = np.abs(gains), gains > 0
    # One draw of an offset, then equal steps (systematic resampling): no more noise than it takes.
    ends = np.cumsum(weights)
    start = generator(seed, "mitigation").random()
    places = (np.arange(len(rows)) + start) / len(rows) * ends[-1]
    picked = np.minimum(np.searchsorted(ends, places), len(rows) - 1)
    negative = 1 - positive
    return [(rows[i][0], positive if kept[i] else negative) for i in picked]


def gains_of(labels: NDArray[np.bool_], groups: Array, how: Mitigation) -> NDArray[np.float64]:
    """What answering "positive" to a row gains over "negative", (rows,): one number for each label
    of each group. Its sign is the label that is learnt, its size the weight."""
    if how.kind == "reweigh":
        return np.where(labels, 1.0, -1.0) * _reweighed(labels, groups, how.strength)
    return _gains(labels, groups, how)


def _reweighed(labels: NDArray[np.bool_], groups: Array, strength: float) -> NDArray[np.float64]:
    """w(g, y) = P(g) P(y) / P(g, y), to a power."""
    weights = np.ones(len(labels))
    for name in np.unique(groups):
        for label in (False, True):
            both = (groups == name) & (labels == label)
            if both.any():
                expected = (groups == name).mean() * (labels == label).mean()
                weights[both] = (expected / both.mean()) ** strength
    return weights


def _gains(labels: NDArray[np.bool_], groups: Array, how: Mitigation) -> NDArray[np.float64]:
    """What answering "positive" gains over "negative": 1 or -1 by the label, and the multiplier
    over the group's share, for whom it is less often given and against whom it is more often."""
    names = np.unique(groups)
    if len(names) != 2:
        raise UserError(
            f"task.mitigation={how.kind} is for two groups, and there are {len(names)}: take"
            " reweigh"
        )
    of = labels if how.kind == "tpr" else np.ones(len(labels), bool)
    rates = [labels[groups == name].mean() for name in names]
    signs = np.where(groups == names[int(np.argmin(rates))], 1.0, -1.0)
    shares = np.where(
        groups == names[0], (of & (groups == names[0])).mean(), (of & (groups == names[1])).mean()
    )
    gains: NDArray[np.float64] = np.where(labels, 1.0, -1.0) + of * signs * how.strength / shares
    return gains
