"""How many steps a window has, and how many windows a round."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import ceil, log, sqrt
from statistics import fmean, variance

from compare.findings.window_thresholds import (
    LEAST_WINDOWS,
    MOST_ROUND_WINDOWS,
    ROUND_WINDOWS,
    WINDOW_SECONDS,
)
from compare.records.record_types import Window
from compare.records.values import CellName

_LEAST_ROUNDS = 3  # before what differs from process to process can be told


def window_steps(paces: list[float], steps: int) -> int:
    """Steps per window, the untimed one included, for cells of these seconds per step.

    As many as last WINDOW_SECONDS in the fastest cell; fewer where `steps` would not give
    LEAST_WINDOWS of them beside the one that warms up; 0 where there is no room for a window at
    all.
    """
    if steps < 2 or not paces:
        return 0
    wanted = 1 + ceil(WINDOW_SECONDS / max(min(paces), 1e-9))
    return max(2, min(wanted, steps // (LEAST_WINDOWS + 1)))


def round_windows(windows: Mapping[CellName, Sequence[Window]], start: float, window: float) -> int:
    """Windows of a further round that narrow intervals most for the time that they take.

    `start` is the seconds in which the processes of a round get ready, `window` those of one window
    in each. With S the variance of the log of a ratio between windows of one round and B that
    between rounds, the optimum is sqrt(S / B * start / window) (Cochran 1977, section 10.6). It
    hangs on how far windows scatter, and never on which cell is ahead.
    """
    within, between = [], []
    for rounds in _ratios(windows):
        several = [logs for logs in rounds if len(logs) > 1]
        if len(rounds) < _LEAST_ROUNDS or not several:
            return ROUND_WINDOWS
        freedoms = [len(logs) - 1 for logs in several]  # the first round has many windows
        inside = fmean(map(variance, several), freedoms)
        counts = len(rounds) / sum(1 / len(logs) for logs in rounds)
        within.append(inside)
        between.append(variance([fmean(logs) for logs in rounds]) - inside / counts)
    if not within:
        return ROUND_WINDOWS
    beyond = fmean(between)
    if beyond <= 0:
        return MOST_ROUND_WINDOWS
    best = sqrt(fmean(within) / beyond * start / max(window, 1e-9))
    return max(ROUND_WINDOWS, min(MOST_ROUND_WINDOWS, round(best)))


def _ratios(windows: Mapping[CellName, Sequence[Window]]) -> Iterator[list[list[float]]]:
    """Of every pair of rows the logs of their ratios, round by round."""
    paces = {
        cell: {(w.round, w.index): log(w.seconds / w.timed_steps) for w in some if w.is_timed}
        for cell, some in windows.items()
        if cell.is_row
    }
    for ours, theirs in combinations(paces.values(), 2):
        rounds = defaultdict[int, list[float]](list)
        for place in ours.keys() & theirs.keys():
            rounds[place[0]].append(ours[place] - theirs[place])
        yield list(rounds.values())
