"""Which cell is faster than which: every pair of a run, held against noise and against chance.

There is one definition of how fast a cell is: the geometric mean of the rates of its windows, where
all cells played all windows, and what pairs of windows tell of it where some are missing (`Rates`).
The ratio of any two is the ratio of their rates; the interval around it is that of their own pairs.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel

from compare.findings.window_thresholds import PROCESS_SPREAD, ROUNDS_FOR_INTERVALS
from compare.records.record_types import Window
from compare.records.values import CellName, Estimate
from compare.stats import intervals, two_way

Place = tuple[int, int]
"""(round, index) of a window: windows of one place were played a moment apart"""
Windows = Mapping[Place, intervals.Timing]
Verdict = Literal["faster", "not separated", "not judged"]
Unit = Literal["window", "round"]
Pair = frozenset[CellName]


class Comparison(BaseModel):
    """One pair. `ratio` is the rate of `first` over that of `second`, with an interval adjusted
    for the number of pairs (Holm); `p_value` is not adjusted.

    "faster" takes an interval that excludes 1 and lies beyond `noise`: the largest difference
    that either cell shows against itself, as a fraction, where a control was played. A pair is
    "not judged" where its windows cannot be relied on, of which `why` has the reason.
    """

    first: str
    second: str
    ratio: Estimate
    p_value: float
    pairs: int
    unit: Unit
    noise: float | None
    verdict: Verdict
    why: str = ""


class Sample(NamedTuple):
    """Logs of rates or ratios that an interval is made of, and what each of them is of: whole
    rounds where there are five or more, which a fresh process each makes independent, else
    windows. `processes` is the standard error by what processes of a backend usually differ by."""

    logs: list[float]
    unit: Unit
    processes: float

    @classmethod
    def of(cls, places: Sequence[Place], logs: Sequence[float], cells: int) -> "Sample":
        """Of windows at these places, of one cell or of the ratio of two."""
        rounds: dict[int, list[float]] = {}
        for (number, _), log in zip(places, logs, strict=True):
            rounds.setdefault(number, []).append(log)
        processes = PROCESS_SPREAD * math.sqrt(cells / max(1, len(rounds)))
        if len(rounds) >= ROUNDS_FOR_INTERVALS:
            return cls([intervals.mean(own) for own in rounds.values()], "round", processes)
        return cls(list(logs), "window", processes)

    def spread(self) -> intervals.Spread | None:
        """Windows of few processes share the luck of these, which adds to what they scatter by;
        rounds that agree better than processes do, do so by luck."""
        if self.unit == "window":
            return intervals.Spread.of(self.logs, unseen=self.processes)
        return intervals.Spread.of(self.logs, least=self.processes)

    def around(self, value: float, confidence: float = intervals.CONFIDENCE) -> intervals.Interval:
        spread = self.spread()
        return (
            spread.interval(value, confidence) if spread else intervals.Interval(value, None, None)
        )

    def ratio(self) -> intervals.Interval | None:
        """Their geometric mean; None where there are none."""
        return self.around(math.exp(intervals.mean(self.logs))) if self.logs else None

    def p_value(self, log: float) -> float:
        """Two-sided, that the ratio is 1; `log` is that of what was found."""
        spread = self.spread()
        return spread.p_value(log) if spread else 1.0


class Rates(NamedTuple):
    """How fast cells are. `logs`: the log of tokens per second of each; `groups`: cells of one
    number can be held against each other, since a chain of shared places leads between them."""

    logs: dict[CellName, float]
    groups: dict[CellName, int]

    def apart(self, first: CellName, second: CellName) -> float:
        """The log of the ratio of their rates."""
        return self.logs[first] - self.logs[second]

    def largest_group(self, among: Iterable[CellName]) -> list[CellName]:
        """Those of some cells that are of the group with the most of them, the first of equals."""
        some = list(among)
        numbers = [self.groups[cell] for cell in some]
        most = max(numbers, key=numbers.count, default=None)
        return [cell for cell in some if self.groups[cell] == most]


def rates(cells: Mapping[CellName, Windows]) -> Rates:
    """Of cells that were timed, from all their windows together.

    A round counts as one where there are five or more, however many windows it has.
    """
    places = sorted({place for windows in cells.values() for place in windows})
    if not places:
        return Rates({}, {})
    table = np.full((len(cells), len(places)), np.nan)
    column = {place: index for index, place in enumerate(places)}
    for row, windows in enumerate(cells.values()):
        for place, timing in windows.items():
            table[row, column[place]] = math.log(timing.rate)
    rounds = Counter(number for number, _ in places)
    by_round = len(rounds) >= ROUNDS_FOR_INTERVALS
    weights = np.array([1 / rounds[number] if by_round else 1.0 for number, _ in places])
    levels, groups = two_way.fit(table, weights)
    return Rates(
        dict(zip(cells, levels.tolist(), strict=True)),
        dict(zip(cells, groups.tolist(), strict=True)),
    )


def timings_of(windows: Sequence[Window]) -> dict[Place, intervals.Timing]:
    """What the windows of one cell that are made to be timed took, by place."""
    return {
        (window.round, window.index): intervals.Timing(window.tokens, window.seconds)
        for window in windows
        if window.is_timed
    }


def paired(ours: Windows, theirs: Windows) -> Sample:
    """Log ratios of what two cells played together."""
    shared = sorted(ours.keys() & theirs.keys())
    mine, other = [ours[place] for place in shared], [theirs[place] for place in shared]
    return Sample.of(shared, intervals.log_ratios(mine, other), cells=2)


def units(windows: Windows) -> Sample:
    """The log rates of one cell that its own interval is made of."""
    places = sorted(windows)
    return Sample.of(places, [math.log(windows[place].rate) for place in places], cells=1)


def compare_all(
    cells: Mapping[CellName, Windows],
    controls: Mapping[CellName, Windows],
    doubts: Mapping[Pair, str] | None = None,
    found_rates: Rates | None = None,
) -> list[Comparison]:
    """Every pair of cells, the faster one first, in the order of `cells`.

    `controls` has, by the cell that it repeats, what each control played; `doubts` why pairs
    cannot be judged; `found_rates` are those of more cells than these. Pairs that played nothing
    together are left out.
    """
    fast = found_rates or rates(cells)
    itself = {cell: against_itself(cells[cell], controls[cell]) for cell in cells.keys() & controls}
    noise = {cell: _apart(found.value) for cell, found in itself.items() if found}
    found = []
    for pair in combinations(cells, 2):
        sample = paired(cells[pair[0]], cells[pair[1]])
        if sample.logs:
            first, second = pair if fast.apart(*pair) >= 0 else pair[::-1]
            found.append(((first, second), sample))
    p_values = [sample.p_value(fast.apart(*pair)) for pair, sample in found]
    levels = intervals.holm_confidences(p_values)
    comparisons = []
    for (pair, sample), p, level in zip(found, p_values, levels, strict=True):
        ratio = sample.around(math.exp(fast.apart(*pair)), level)
        largest = max((noise[cell] for cell in pair if cell in noise), default=None)
        why = (doubts or {}).get(frozenset(pair), "")
        comparisons.append(
            Comparison(
                first=pair[0].label,
                second=pair[1].label,
                ratio=Estimate.of(ratio),
                p_value=p,
                pairs=len(sample.logs),
                unit=sample.unit,
                noise=largest,
                verdict="not judged" if why else _verdict(ratio, largest),
                why=why,
            )
        )
    return comparisons


def precision(cells: Mapping[CellName, Windows], comparisons: Sequence[Comparison]) -> float:
    """The largest half-width, as a fraction, of the comparisons of these cells, or of the rate of
    a single cell; infinite where a pair has no interval."""
    if len(cells) == 1:
        (windows,) = cells.values()
        rate = units(windows).ratio()
        return intervals.half_width(rate) if rate else math.inf
    every_pair = len(comparisons) == math.comb(len(cells), 2)
    return widest(comparisons) if every_pair else math.inf


def widest(comparisons: Sequence[Comparison]) -> float:
    """The largest half-width of the intervals, as a fraction; infinite where one has no ends."""
    return max((intervals.half_width(c.ratio.interval()) for c in comparisons), default=math.inf)


def against_itself(cell: Windows, control: Windows) -> intervals.Interval | None:
    """The A/A comparison: a cell's rate over that of the same cell in another process."""
    return paired(cell, control).ratio()


def communication_share(cell: Windows, silent: Windows) -> intervals.Interval | None:
    """Of a step, the part that is gone where ranks compute the same and do not talk: what is left
    of talking beside the computing that hides it. None where no silent twin was timed."""
    ratio = paired(silent, cell).ratio()
    if ratio is None:
        return None
    low, high = (None if end is None else 1 - 1 / end for end in (ratio.low, ratio.high))
    return intervals.Interval(1 - 1 / ratio.value, low, high)


def scaling_efficiency(
    name: CellName, timed: Mapping[CellName, Windows], found_rates: Rates
) -> intervals.Interval | None:
    """Of N ranks, their rate over N times that of the same cell in one process: 1 where nothing is
    lost. Both train the same batches (strong scaling) with as many threads a process; the interval
    is of the windows that both played. None where no single process was timed."""
    alone = name.model_copy(update={"ranks": 1})
    if name.ranks == 1 or name not in timed or alone not in timed:
        return None
    sample = paired(timed[name], timed[alone])
    if not sample.logs:
        return None
    return sample.around(math.exp(found_rates.apart(name, alone)) / name.ranks)


def _apart(ratio: float) -> float:
    """How far a ratio is from 1, as a fraction, whichever way it stands."""
    return max(ratio, 1 / ratio) - 1


def _verdict(ratio: intervals.Interval, noise: float | None) -> Verdict:
    faster = ratio.low is not None and ratio.low > 1 + (noise or 0.0)
    return "faster" if faster else "not separated"
