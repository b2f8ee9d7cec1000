"""What ranks are worth: how much of its rate a cell keeps as more processes share its work."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from compare.findings import speed
from compare.records.record_types import Window
from compare.records.values import CellName
from compare.stats import intervals


def scaling_efficiency(
    name: CellName, timed: Mapping[CellName, speed.Windows], rates: speed.Rates
) -> intervals.Interval | None:
    """Of N ranks, their rate over N times that of the same cell in one process, with the interval
    of the pairs of windows that both played: 1 where nothing is lost. Both train the same batches
    (strong scaling) with as many threads a process. None where no single process was timed."""
    alone = name.model_copy(update={"ranks": 1})
    if name.ranks == 1 or name not in timed or alone not in timed:
        return None
    logs, _ = speed.paired(timed[name], timed[alone])
    if not logs:
        return None
    share = math.log(name.ranks)
    value = math.exp(rates.apart(name, alone) - share)
    return intervals.around(value, [log - share for log in logs])


def imbalance(windows: Sequence[Window]) -> float | None:
    """By how much the quickest rank is ahead of the slowest, as a share of the slowest's time: the
    mean over windows."""
    each = [w.rank_seconds for w in windows if any(w.rank_seconds)]
    found = [(max(seconds) - min(seconds)) / max(seconds) for seconds in each]
    return fmean(found) if found else None


def largest_rank_bytes(windows: Sequence[Window]) -> int | None:
    """The most that one rank held in a window."""
    return max((held for w in windows for held in w.rank_peak_bytes), default=None)
