"""When a run has measured enough, and what it waits for.

By precision, by budget and by what others use of the machine; never by which result has come out.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import median

from compare.findings import contention, speed
from compare.findings.window_thresholds import (
    CPUS_OF_OTHERS,
    JUDGED_SECONDS,
    ROUND_SECONDS,
    ROUND_WINDOWS,
    ROUNDS_FOR_INTERVALS,
)
from compare.meters.contention import cpus_of_others_now
from compare.planning.plan import Plan
from compare.records.record_types import Window
from compare.records.values import CellName
from compare.running.window_size import round_windows

Windows = Mapping[CellName, Sequence[Window]]
Cells = Collection[CellName]


def counting(windows: Windows, number: int, cells: Cells) -> list[set[int]]:
    """Of every cell the indices of its windows in a round that count so far."""
    return [{w.index for w in windows[c] if w.is_timed and w.round == number} for c in cells]


class Stopping:
    """The rules of one run. `waiting` is told how many CPUs others use, as long as it waits;
    `reached`, how narrow the intervals are each time that it is looked for."""

    def __init__(
        self, plan: Plan, waiting: Callable[[float], None], reached: Callable[[float], None]
    ) -> None:
        self.run, self.cpus = plan.run, plan.threads * max(plan.request.ranks)
        self.waiting, self.reached = waiting, reached
        # A precision is one of processes: rounds are added until there are enough to tell.
        enough = plan.run.rounds >= ROUNDS_FOR_INTERVALS
        self.by_rounds = enough or plan.run.precision is not None
        self._began = self._ends = self._round = time.monotonic()

    def begin(self) -> None:
        """The budget runs from now on."""
        self._began = self._ends = time.monotonic()

    def grant(self, share: float) -> None:
        """A share of the budget may be spent, from its beginning on."""
        self._ends = self._began + share * self.run.measuring_seconds

    def wants_more(self, windows: Windows) -> bool:
        """Whether there is time left, and an interval that is wider than it is asked to be."""
        if time.monotonic() >= self._ends:
            return False
        return self.run.precision is None or self.look(windows) > self.run.precision

    def look(self, windows: Windows) -> float:
        """The precision so far, which is told where one is wanted."""
        found = self._precision(windows)
        if self.run.precision is not None:
            self.reached(found)
        return found

    def round_begins(self) -> None:
        """What is told from now on until its windows begin is the start of a round."""
        self._round = time.monotonic()

    def windows_of_a_round(self, windows: Windows) -> int:
        """How many windows a further round plays, now that its processes are ready."""
        playing = [some for cell, some in windows.items() if not cell.echo]
        timed = [[w.seconds for w in some if w.is_timed] for some in playing]
        start, window = time.monotonic() - self._round, sum(median(s) for s in timed if s)
        if not window:
            return ROUND_WINDOWS
        wanted = round_windows(windows, start, window) if self.run.precision else ROUND_WINDOWS
        if min(median(s) for s in timed if s) < JUDGED_SECONDS:
            return wanted
        return max(wanted, int((ROUND_SECONDS - start) / window))

    def is_spent(self) -> bool:
        """Whether what was granted of the budget is: who has a window then begins no other."""
        return self.run.measuring_seconds > 0 and time.monotonic() >= self._ends

    def plays_again(
        self, again: int, grown: Counter[CellName], windows: Windows, number: int, cells: Cells
    ) -> bool:
        """Whether one more window is played in a round since some of these cells had windows that
        do not count, after so many that were played for that already.

        Where rounds are what counts, each needs one that counts in all of its cells: another round
        tells more than another window of this one.
        """
        enough = self.by_rounds and bool(set.intersection(*counting(windows, number, cells)))
        return not enough and again < max(grown[cell] for cell in cells)

    def wait_for_quiet(self) -> bool:
        """Where a precision is asked for, return only when others leave the CPUs alone, or when
        the budget is spent: whether it became quiet."""
        if self.run.precision is None or not self.run.wait_for_quiet:
            return True
        while time.monotonic() < self._ends:
            taken = cpus_of_others_now(self.cpus) or 0.0
            if taken <= CPUS_OF_OTHERS:
                return True
            self.waiting(taken)
        return False

    def _precision(self, windows: Windows) -> float:
        """The precision so far; of fewer rounds than ROUNDS_FOR_INTERVALS it is none."""
        counted = contention.clean({cell: w for cell, w in windows.items() if not cell.echo})
        if self.run.wait_for_quiet and not counted.is_quiet():
            return math.inf
        timed = {cell: timings for cell, timings in counted.timings.items() if cell.is_row}
        comparisons = speed.compare_all(timed, {})
        units = [speed.units(timings).unit for timings in timed.values()]
        if "window" in (*units, *(one.unit for one in comparisons)):
            return math.inf
        return speed.precision(timed, comparisons)
