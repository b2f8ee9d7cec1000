"""Whose machine was it? Windows in which others took the CPUs, and what is left without them.

A rule that looks at other processes and never at the result: which windows count is decided by
what others used meanwhile, whatever the rate was.
"""

from collections.abc import Container, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

from compare.findings import speed
from compare.findings.cells import Cell
from compare.findings.speed import Place
from compare.findings.window_thresholds import (
    CPUS_OF_OTHERS,
    JUDGED_SECONDS,
    LEAST_CLEAN,
    LEAST_PAIRS,
    MOST_CONTENDED,
    ROUNDS_FOR_INTERVALS,
)
from compare.records.record_types import Window
from compare.records.values import CellName
from compare.stats.intervals import Timing


class Counted(NamedTuple):
    """Which windows of cells count. `timings` are those that do; `contended` the places of all that
    were; `left_out` says whether these are not among the timings, because enough others are."""

    timings: dict[CellName, dict[Place, Timing]]
    contended: dict[CellName, frozenset[Place]]
    left_out: bool

    def share(self, first: CellName, second: CellName) -> float:
        """Of the pairs of windows that count, those in which either was contended."""
        shared = self.timings[first].keys() & self.timings[second].keys()
        bad = shared & (self.contended[first] | self.contended[second])
        return len(bad) / len(shared) if shared else 0.0

    def is_contended(self, first: CellName, second: CellName) -> bool:
        """Whether others took too much for the two to be judged."""
        return self.share(first, second) > MOST_CONTENDED

    def is_quiet(self) -> bool:
        """Whether no cell, nor pair of them, is of a machine that was too busy: what a precision
        may stop at."""
        cells = list(self.timings)
        return not any(self.is_contended(*p) for p in combinations_with_replacement(cells, 2))


def cpus_taken(window: Window) -> float | None:
    """CPUs that others and a hypervisor took meanwhile; None where neither is known."""
    if not window.seconds:
        return None
    stolen = None if window.steal_seconds is None else window.steal_seconds / window.seconds
    known = [taken for taken in (window.cpus_of_others, stolen) if taken is not None]
    return sum(known) if known else None


def is_contended(window: Window) -> bool:
    """Whether others took more of the CPUs that the cell may run on than a quiet machine does;
    of a window that is too short to be judged nobody can tell."""
    return window.seconds >= JUDGED_SECONDS and (cpus_taken(window) or 0.0) > CPUS_OF_OTHERS


def counted_of(cells: Sequence[Cell], controls: Sequence[Cell]) -> Counted:
    """Of the cells of a run and of what repeated them. Those that did not end well have no say in
    whether windows are left out."""
    everyone = (*cells, *controls)
    well = {cell.name for cell in everyone if cell.windows and cell.end().status == "ok"}
    return clean({cell.name: cell.windows for cell in everyone}, well)


def clean(
    cells: Mapping[CellName, Sequence[Window]], deciding: Container[CellName] | None = None
) -> Counted:
    """Contended windows left out, where every pair of the `deciding` cells, by default of all,
    keeps enough without them; a window of a pair is contended if either's is."""
    timings = {cell: speed.timings_of(windows) for cell, windows in cells.items()}
    contended = {
        cell: frozenset((w.round, w.index) for w in windows if w.is_timed and is_contended(w))
        for cell, windows in cells.items()
    }
    if not any(contended.values()):
        return Counted(timings, contended, left_out=False)
    enough = all(
        _enough(
            timings[a].keys() & timings[b].keys(),
            (timings[a].keys() & timings[b].keys()) - contended[a] - contended[b],
        )
        for a, b in combinations_with_replacement(timings, 2)
        if deciding is None or (a in deciding and b in deciding)
    )
    if enough:
        timings = {
            cell: {place: t for place, t in mine.items() if place not in contended[cell]}
            for cell, mine in timings.items()
        }
    return Counted(timings, contended, left_out=enough)


def mean_cpus_of_others(windows: Sequence[Window]) -> float | None:
    """Over windows, by the time that they took; None where it was not measured."""
    known = [(w.cpus_of_others, w.seconds) for w in windows if w.cpus_of_others is not None]
    seconds = sum(took for _, took in known)
    return sum((cpus or 0.0) * took for cpus, took in known) / seconds if seconds else None


def _enough(shared: set[Place], kept: set[Place]) -> bool:
    if len(kept) == len(shared):
        return True
    rounds, rounds_kept = ({number for number, _ in places} for places in (shared, kept))
    same_unit = len(rounds_kept) >= min(len(rounds), ROUNDS_FOR_INTERVALS)
    return same_unit and len(kept) >= max(LEAST_PAIRS, LEAST_CLEAN * len(shared))
