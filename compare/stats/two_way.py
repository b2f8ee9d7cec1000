"""Effects of rows and places on a table with gaps: the mean of pairs, wherever there are pairs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Fit(NamedTuple):
    """`levels` (rows,): the value of each row at the mean place; `groups` (rows,): rows of one
    number can be held against each other, since a chain of shared places leads between them."""

    levels: Values
    groups: NDArray[np.int64]


def fit(table: Values, weights: Values) -> Fit:
    """Least squares of `table` (rows, places) on the effect of its row plus that of its place.

    NaN is a value that is missing; `weights` (places,) are positive. Without gaps a row's level is
    its mean, and the difference of two levels the mean of their pairs. With gaps (Yates 1933) it is
    what pairs tell, those over a third row included: differences stay transitive. Levels of
    different groups, which share no place, are each of their own places.
    """
    there = ~np.isnan(table)
    groups = _groups(there)
    levels = np.empty(len(table))
    for number in set(groups.tolist()):
        rows = np.flatnonzero(groups == number)
        places = there[rows].any(axis=0)
        levels[rows] = _levels(table[np.ix_(rows, places)], weights[places])
    return Fit(levels, groups)


def _levels(table: Values, weights: Values) -> Values:
    """Of rows that are all connected: the normal equations, with the places eliminated."""
    there = ~np.isnan(table)
    filled = np.where(there, table, 0.0)
    count = there.sum(axis=0)
    weighted = there * weights
    apart = (filled - filled.sum(axis=0) / count) * weighted
    system = np.diag(weighted.sum(axis=1)) - (weighted / count) @ there.T
    effects = np.linalg.lstsq(system, apart.sum(axis=1), rcond=None)[0]
    of_places = (filled - effects[:, None] * there).sum(axis=0) / count
    found: Values = effects + np.average(of_places, weights=weights)
    return found


def _groups(there: NDArray[np.bool_]) -> NDArray[np.int64]:
    shared = (there.astype(np.int64) @ there.T.astype(np.int64)) > 0
    groups = np.arange(len(there))
    while True:  # each row takes the smallest number of those that it shares a place with
        smallest = np.where(shared, groups, len(there)).min(axis=1, initial=len(there))
        smallest = np.minimum(smallest, groups)
        if np.array_equal(smallest, groups):
            return groups
        groups = smallest
