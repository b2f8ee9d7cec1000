"""What is wrong with windows, in words: why a pair cannot be judged, what stalled, what drifted."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median

from compare.findings import speed
from compare.findings.cells import Cell
from compare.findings.contention import Counted, mean_cpus_of_others
from compare.findings.number_text import count_of, seconds, significant
from compare.findings.speed import Comparison, Pair
from compare.findings.window_thresholds import JUDGED_PAIRS, JUDGED_SECONDS, STALL
from compare.records.values import CellName

FOR_TRYING = "tiny"
_ALIKE = 0.02  # drifts that are no further apart have one cause: the machine's pace


def doubts(cells: Mapping[CellName, Cell], counted: Counted, preset: str) -> dict[Pair, str]:
    """The reason, of each pair of cells that shares windows and cannot be judged."""
    found = {}
    for first, second in combinations(cells, 2):
        why = _why(cells[first], cells[second], counted, preset)
        if why:
            found[frozenset((first, second))] = why
    return found


def too_short(cell: Cell, counted: Counted, preset: str) -> str:
    """Why a cell's windows are too short to be judged; empty where they are not."""
    lasted = _lasted(cell, counted)
    if lasted >= JUDGED_SECONDS:
        return ""
    why = f"windows of {seconds(lasted)} are too short"
    if preset == FOR_TRYING:
        why += f": the preset {FOR_TRYING} is for seeing that it works"
    return why


def _lasted(cell: Cell, counted: Counted) -> float:
    """Seconds of a window that counts, in the middle; infinite where there are none."""
    lasted = [timing.seconds for timing in counted.timings[cell.name].values()]
    return median(lasted) if lasted else math.inf


def too_busy(cell: Cell, counted: Counted) -> str:
    """How much others took of a cell's machine, where it is too much; empty where it is not."""
    if not counted.is_contended(cell.name, cell.name):
        return ""
    places = counted.contended[cell.name]
    bad = [w for w in cell.timed if (w.round, w.index) in places]
    taken = mean_cpus_of_others(bad)
    stolen = sum(w.steal_seconds or 0.0 for w in bad) / sum(w.seconds for w in bad)
    others = f"other processes used {count_of(taken or 0.0, 'CPU')}"
    parts = [others] if taken and taken > stolen else []
    withheld = f"a hypervisor withheld {significant(stolen, 2)}"
    parts += [withheld] if stolen >= 0.01 or not parts else []
    return f"{' and '.join(parts)} in {len(bad)} of {count_of(len(cell.timed), 'window')}"


def stalls(
    timed: Mapping[CellName, speed.Windows], comparisons: Sequence[Comparison]
) -> dict[str, str]:
    """Windows that took far longer than the others of their cell, by its label, with what they
    were worth."""
    found = {}
    for name, windows in timed.items():
        usual = median(1 / t.rate for t in windows.values())
        kept = {place: t for place, t in windows.items() if 1 / t.rate <= STALL * usual}
        count = len(windows) - len(kept)
        if not count or len(kept) < 2:
            continue
        longest = min(windows.values(), key=lambda t: t.rate)
        many = "one window of" if count == 1 else f"{count} windows of up to"
        found[name.label] = (
            f"{many} {longest.seconds:.1f} s, {1 / longest.rate / usual:.1f} times the others of"
            f" that cell{_worth(name, {**timed, name: kept}, comparisons, count)}"
        )
    return found


def drifts(timed: Sequence[Cell]) -> tuple[str, dict[str, str]]:
    """How cells that were not in a steady state changed: all alike, and each by itself."""
    changed = [(c.name.label, s) for c in timed if (s := c.steadiness()).drift and not s.steady]
    by = {label: s.drift.value - 1 for label, s in changed if s.drift is not None and s.drifts}
    own = {
        label: f"its last half was {abs(by[label]):.1%} {_way(by[label])}"
        if label in by
        else f"its rate changed at window {s.changepoint} of {s.windows}"
        for label, s in changed
    }
    if not len(by) == len(timed) > 1 or max(by.values()) - min(by.values()) > _ALIKE:
        return "", own
    sizes = [f"{abs(change):.1%}" for change in sorted(by.values(), key=abs)]
    how = " to ".join(dict.fromkeys((sizes[0], sizes[-1])))
    return (
        f"the last half was {how} {_way(max(by.values()))} for all alike: the machine's pace,"
        " which drops out of every ratio"
    ), {}


def _way(change: float) -> str:
    return "faster" if change > 0 else "slower"


def _worth(
    cell: CellName,
    without: Mapping[CellName, speed.Windows],
    comparisons: Sequence[Comparison],
    stalled: int,
) -> str:
    """What the closest comparison of a cell would be without its stalled windows."""
    mine = [one for one in comparisons if cell.label in (one.first, one.second)]
    if not mine:
        return ""
    one = min(mine, key=lambda one: one.ratio.value)
    by_label = {name.label: name for name in without}
    log = speed.rates(without).apart(by_label[one.first], by_label[one.second])
    them = "it" if stalled == 1 else "them"
    fast, slow = (one.first, one.second) if log >= 0 else (one.second, one.first)
    shown = one.ratio.value if log >= 0 else 1 / one.ratio.value
    return (
        f": without {them} {fast} would be {math.exp(abs(log)):.2f} times as fast as {slow},"
        f" not {shown:.2f}"
    )


def _why(first: Cell, second: Cell, counted: Counted, preset: str) -> str:
    ours, theirs = (counted.timings[cell.name] for cell in (first, second))
    pairs = len(ours.keys() & theirs.keys())
    if not pairs:
        return ""
    busy = [why for cell in (first, second) if (why := too_busy(cell, counted))]
    if busy:
        return busy[0]
    share = counted.share(first.name, second.name)
    if counted.is_contended(first.name, second.name):
        return f"something else ran in {share:.0%} of their windows"
    shortest = min((first, second), key=lambda cell: _lasted(cell, counted))
    if short := too_short(shortest, counted, preset):
        return short
    if pairs < JUDGED_PAIRS:
        return f"{pairs} pairs of windows are too few" if pairs > 1 else "one pair is too few"
    return ""
