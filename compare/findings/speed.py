"""Which cell is faster than which: every pair of a run, held against noise and against chance."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal

from pydantic import BaseModel

from compare.findings.thresholds import ROUNDS_FOR_INTERVALS
from compare.records.record_types import Window
from compare.records.values import CellName, Estimate
from compare.stats import intervals

Place = tuple[int, int]
"""(round, index) of a window: windows of one place were played a moment apart"""
Windows = Mapping[Place, intervals.Timing]


class Comparison(BaseModel):
    """One pair. `ratio` is the rate of `first` over that of `second`, with an interval adjusted
    for the number of pairs (Holm); `p_value` is not adjusted.

    "faster" takes an interval that excludes 1 and lies beyond `noise`: the largest difference
    that either cell shows against itself, as a fraction, where a control was played.
    """

    first: str
    second: str
    ratio: Estimate
    p_value: float
    pairs: int
    unit: Literal["window", "round"]
    noise: float | None
    verdict: Literal["faster", "not separated"]


def timings_of(windows: Sequence[Window]) -> dict[Place, intervals.Timing]:
    """What the windows of one cell that are made to be timed took, by place."""
    return {
        (window.round, window.index): intervals.Timing(window.tokens, window.seconds)
        for window in windows
        if window.is_timed
    }


def paired(ours: Windows, theirs: Windows) -> tuple[list[float], Literal["window", "round"]]:
    """Log ratios of what two cells played together, and what each of them is of: whole rounds
    where there are five or more, which a fresh process each makes independent."""
    shared = sorted(ours.keys() & theirs.keys())
    rounds = sorted({number for number, _ in shared})
    if len(rounds) < ROUNDS_FOR_INTERVALS:
        mine, other = [ours[place] for place in shared], [theirs[place] for place in shared]
        return intervals.log_ratios(mine, other), "window"
    sums = [[_sum(cell, shared, number) for number in rounds] for cell in (ours, theirs)]
    return intervals.log_ratios(sums[0], sums[1]), "round"


def units(windows: Windows) -> list[intervals.Timing]:
    """The timings of one cell that its own interval is made of: windows, or rounds."""
    rounds = sorted({number for number, _ in windows})
    if len(rounds) < ROUNDS_FOR_INTERVALS:
        return [windows[place] for place in sorted(windows)]
    return [_sum(windows, sorted(windows), number) for number in rounds]


def compare_all(
    cells: Mapping[CellName, Windows], controls: Mapping[CellName, Windows]
) -> list[Comparison]:
    """Every pair of cells, the faster one first, in the order of `cells`.

    `controls` has, by the cell that it repeats, what each control played. Pairs that played
    nothing together are left out.
    """
    itself = {cell: against_itself(cells[cell], controls[cell]) for cell in cells.keys() & controls}
    noise = {cell: _apart(found.value) for cell, found in itself.items() if found}
    found = []
    for pair in combinations(cells, 2):
        logs, unit = paired(cells[pair[0]], cells[pair[1]])
        if logs and math.fsum(logs) < 0:
            pair, logs = (pair[1], pair[0]), [-log for log in logs]
        if logs:
            found.append((pair, logs, unit))
    p_values = [intervals.p_value(logs) for _, logs, _ in found]
    levels = intervals.holm_confidences(p_values)
    return [
        _comparison(pair, logs, unit, p, level, noise)
        for (pair, logs, unit), p, level in zip(found, p_values, levels, strict=True)
    ]


def precision(cells: Mapping[CellName, Windows], comparisons: Sequence[Comparison]) -> float:
    """The largest half-width, as a fraction, of the comparisons of these cells, or of the rate of
    a single cell; infinite where a pair has no interval."""
    if len(cells) == 1:
        (windows,) = cells.values()
        rate = intervals.throughput(units(windows))
        return intervals.half_width(rate) if rate else math.inf
    every_pair = len(comparisons) == math.comb(len(cells), 2)
    return widest(comparisons) if every_pair else math.inf


def widest(comparisons: Sequence[Comparison]) -> float:
    """The largest half-width of the intervals, as a fraction; infinite where one has no ends."""
    return max((intervals.half_width(c.ratio.interval()) for c in comparisons), default=math.inf)


def against_itself(cell: Windows, control: Windows) -> intervals.Interval | None:
    """The A/A comparison: a cell's rate over that of the same cell in another process."""
    return intervals.ratio(paired(cell, control)[0])


def _apart(ratio: float) -> float:
    """How far a ratio is from 1, as a fraction, whichever way it stands."""
    return max(ratio, 1 / ratio) - 1


def _comparison(
    pair: tuple[CellName, CellName],
    logs: list[float],
    unit: Literal["window", "round"],
    p: float,
    level: float,
    noise: Mapping[CellName, float],
) -> Comparison:
    ratio = intervals.ratio(logs, level)
    assert ratio is not None
    known = [noise[cell] for cell in pair if cell in noise]
    largest = max(known, default=None)
    faster = ratio.low is not None and ratio.low > 1 + (largest or 0.0)
    return Comparison(
        first=pair[0].label,
        second=pair[1].label,
        ratio=Estimate.of(ratio),
        p_value=p,
        pairs=len(logs),
        unit=unit,
        noise=largest,
        verdict="faster" if faster else "not separated",
    )


def _sum(windows: Windows, places: Sequence[Place], number: int) -> intervals.Timing:
    """One round's windows together."""
    mine = [windows[place] for place in places if place[0] == number]
    return intervals.Timing(sum(w.tokens for w in mine), sum(w.seconds for w in mine))
