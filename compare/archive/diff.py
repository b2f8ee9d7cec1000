"""Did anything get slower, larger or numerically different? One run held against another.

Runs of different times share no windows, so speeds are compared as independent samples: Welch's
t on the logs of the rates of windows, or of rounds from five on, with intervals that are adjusted
for the number of cells (Holm). What each backend showed against itself, where a control was
played, is noise on top of that.
"""

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from compare.errors import UserError
from compare.findings import contention, parity, speed
from compare.findings.cell_summary import CellSummary
from compare.findings.cells import Cell
from compare.findings.number_text import memory
from compare.findings.summary import Summary, summarise
from compare.records.differences import differing_fields, in_short
from compare.records.record_types import AnyRecord, SpeedCheck, Status, current, header_of
from compare.records.values import Estimate, labelled
from compare.stats import intervals
from compare.stats.welch import Welch, apart


class Side:
    """One of two runs that are held against each other; `problems` is what of its records could
    not be read, in words."""

    def __init__(self, records: Sequence[AnyRecord], problems: Sequence[str] = ()) -> None:
        self.problems = problems
        kept = current(records)
        self.summary: Summary = summarise(records)
        header = header_of(kept)
        self.cells = {name.label: Cell(name, kept) for name in header.cells}
        controls = [Cell(name.its_control(), kept) for name in header.cells]
        counted = contention.counted_of(list(self.cells.values()), controls)
        self.timings = {
            name.label: windows for name, windows in counted.timings.items() if name.is_row
        }
        self.rows = {row.label: row for row in self.summary.cells}
        self.threads = header.run.get("threads")
        self.speed_checks = [r.seconds for r in kept if isinstance(r, SpeedCheck)]


class Pair(NamedTuple):
    """Two runs of one experiment; `point` is the name of a sweep's point."""

    base: Side
    new: Side
    point: str = ""


class Regression(BaseModel):
    kind: Literal["failed", "slower", "larger", "different"]
    text: str


class CellDiff(BaseModel):
    """One cell in both runs. Null is what was not measured in both.

    `speed` is the rate of the new run over that of the base, with an interval adjusted for the
    number of cells; `noise` the largest difference that the cell showed against itself, as a
    fraction. Memory is the peak while training, on the device where the framework tells.
    `loss_difference` is the largest relative one at any step. `verdict` is about speed, whatever
    the size of the difference: "slower" and "faster" take an interval beyond 1 and the noise.
    """

    model_config = ConfigDict(ser_json_inf_nan="null")

    point: str
    backend: str
    mode: str
    ranks: int = 1
    base_status: Status
    new_status: Status
    base_tokens_per_second: Estimate | None
    new_tokens_per_second: Estimate | None
    speed: Estimate | None = None
    noise: float | None = None
    verdict: Literal["slower", "faster", "not separated"] | None = None
    smallest_slowdown: float | None = None
    unknown: bool = False
    base_peak_memory_bytes: int | None = None
    new_peak_memory_bytes: int | None = None
    memory_ratio: float | None = None
    loss_difference: float | None = None
    regressions: list[Regression] = []

    @property
    def label(self) -> str:
        return f"{self.point} {labelled(self.backend, self.mode, self.ranks)}".strip()


class Diff(BaseModel):
    """`base` and `new` are the two folders; `fail_over` a fraction."""

    base: str
    new: str
    fail_over: float
    cells: list[CellDiff]
    notes: list[str]

    @property
    def blind(self) -> list[CellDiff]:
        """The cells that may be slower by more than is allowed without it being seen."""
        return [cell for cell in self.cells if cell.unknown]

    @property
    def regressions(self) -> list[Regression]:
        return [found for cell in self.cells for found in cell.regressions]


def diff_cells(pairs: Sequence[Pair], fail_over: float) -> list[CellDiff]:
    """Every cell that both runs of a pair have, judged.

    A regression in speed takes steps that last longer by more than `fail_over`, a fraction, an
    interval that excludes 1, and lies beyond the noise; one in memory a peak that is larger by
    more than that, and by more than the windows' own spread.
    Raises UserError where the runs of a pair are of different experiments, or where no cell of
    the base went well.
    """
    for pair in pairs:
        _require_same(pair)
    both = [(pair, label) for pair in pairs for label in pair.base.cells if label in pair.new.cells]
    if not both:
        raise UserError("the two have no backend in common")
    if all(pair.base.rows[label].status != "ok" for pair, label in both):
        raise UserError("nothing to compare with: no backend that is in both went well in the base")
    tests = [_speed_test(pair, label) for pair, label in both]
    p_values = [test.p_value() for test in tests if test]
    levels = iter(intervals.holm_confidences(p_values))
    return [
        _judged(pair, label, test, next(levels) if test else 0.0, fail_over)
        for (pair, label), test in zip(both, tests, strict=True)
    ]


def _require_same(pair: Pair) -> None:
    fields = differing_fields(pair.base.summary.experiment, pair.new.summary.experiment)
    if fields:
        where = f"{pair.point}: " if pair.point else ""
        raise UserError(f"{where}not the same experiment: {in_short(fields)}")


def _speed_test(pair: Pair, label: str) -> Welch | None:
    """Of the new run's log rates against the base's, where both went well."""
    if {side.rows[label].status for side in pair[:2]} != {"ok"}:
        return None
    spreads = [speed.units(side.timings[label]).spread() for side in (pair.new, pair.base)]
    rates = [side.rows[label].tokens_per_second for side in (pair.new, pair.base)]
    if rates[0] is None or rates[1] is None:
        return None
    return apart(math.log(rates[0].value / rates[1].value), *spreads)


def _judged(
    pair: Pair, label: str, test: Welch | None, confidence: float, fail_over: float
) -> CellDiff:
    base, new = pair.base.rows[label], pair.new.rows[label]
    found = CellDiff(
        point=pair.point,
        backend=base.backend,
        mode=base.mode,
        ranks=base.ranks,
        base_status=base.status,
        new_status=new.status,
        base_tokens_per_second=base.tokens_per_second,
        new_tokens_per_second=new.tokens_per_second,
    )
    if base.status == "ok" and new.status != "ok":
        reason = f": {new.reason}" if new.reason else ""
        text = f"{found.label} was ok and is now {new.status}{reason}"
        found.regressions = [Regression(kind="failed", text=text)]
    elif base.status == "ok":
        found.regressions = [
            *_slower(found, test, confidence, _noise(base, new), fail_over),
            *_larger(found, pair.base.cells[label], pair.new.cells[label], fail_over),
            *_different(found, pair, label),
        ]
    return found


def _noise(base: CellSummary, new: CellSummary) -> float | None:
    """The log of the largest ratio that a cell showed against itself in either run."""
    itself = [row.ratio_to_itself for row in (base, new) if row.ratio_to_itself]
    return max((abs(math.log(ratio.value)) for ratio in itself), default=None)


def _slower(
    cell: CellDiff, test: Welch | None, confidence: float, noise: float | None, fail_over: float
) -> Iterator[Regression]:
    cell.unknown = cell.new_status == "ok"
    if test is None:
        return
    low, high = test.ends(confidence)
    cell.speed = Estimate.of(test.ratio(confidence))
    cell.noise = None if noise is None else math.expm1(noise)
    beyond = noise or 0.0
    if high < -beyond:
        cell.verdict = "slower"
    else:
        cell.verdict = "faster" if low > beyond else "not separated"
    cell.smallest_slowdown = math.expm1((high - low) / 2 + beyond)
    ruled_out = low > -math.log1p(fail_over)
    cell.unknown = cell.verdict != "slower" and cell.smallest_slowdown > fail_over and not ruled_out
    if cell.verdict == "slower" and math.expm1(-test.difference) > fail_over:
        longer, least, most = (math.expm1(-log) for log in (test.difference, high, low))
        yield Regression(
            kind="slower",
            text=f"{cell.label} is slower: a step takes {longer:.1%} longer"
            f" ({least:.1%} to {most:.1%})",
        )


def _larger(cell: CellDiff, base: Cell, new: Cell, fail_over: float) -> Iterator[Regression]:
    before, after = _peaks(base, new)
    if not before or not after:
        return
    cell.base_peak_memory_bytes, cell.new_peak_memory_bytes = max(before), max(after)
    cell.memory_ratio = max(after) / max(before)
    # Of the median, so that one window's peak is noise and a leak is not.
    spread = max(max(peaks) - median(peaks) for peaks in (before, after))
    if cell.memory_ratio - 1 > fail_over and max(after) - max(before) > spread:
        yield Regression(
            kind="larger",
            text=f"{cell.label} is larger: its peak grew by {cell.memory_ratio - 1:.1%}, from"
            f" {memory(max(before))} to {memory(max(after))}",
        )


def _peaks(base: Cell, new: Cell) -> tuple[list[int], list[int]]:
    """Bytes of each window's peak, on the device where the framework tells."""
    windows = [cell.timed or cell.windows for cell in (base, new)]
    on_device = [[w.device_peak_bytes for w in ours if w.device_peak_bytes] for ours in windows]
    if all(on_device):
        return on_device[0], on_device[1]
    on_host = [[w.peak_bytes for w in ours] for ours in windows]
    return on_host[0], on_host[1]


def _different(cell: CellDiff, pair: Pair, label: str) -> Iterator[Regression]:
    """Losses that differ by more than rounding moved them apart in either run."""
    allowed = _allowed(pair.base.summary, pair.new.summary)
    before, after = (side.cells[label].losses() for side in pair[:2])
    difference = parity.relative_difference(before, after)
    if not len(allowed) or not len(difference):
        return
    worst = float(difference.max())
    cell.loss_difference = worst if math.isfinite(worst) else None
    allowed = np.pad(allowed, (0, max(0, len(difference) - len(allowed))), mode="edge")
    step = parity.first_outside(before, after, allowed)
    if step is not None:
        yield _apart(cell, f"loss of step {step}", difference[step], allowed[step])
    losses = [side.rows[label].validation_loss for side in pair[:2]]
    known = [loss for loss in losses if loss is not None]
    if len(known) == 2:
        (validation,) = parity.relative_difference(known[:1], known[1:])
        if validation > allowed[-1]:
            yield _apart(cell, "validation loss", validation, allowed[-1])


def _allowed(base: Summary, new: Summary) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The larger envelope of the two, at each step of the longer; null in a summary is infinite."""
    found = [
        np.array([math.inf if x is None else x for x in one.allowed_loss_differences])
        for one in (base, new)
    ]
    steps = max(map(len, found))
    padded = [np.pad(x, (0, steps - len(x)), mode="edge") for x in found if len(x)]
    return np.maximum.reduce(padded) if padded else np.empty(0)


def _apart(cell: CellDiff, what: str, difference: float, allowed: float) -> Regression:
    text = f"{cell.label} is different: the {what} by {difference:.1e} (allowed: {allowed:.1e})"
    return Regression(kind="different", text=text)
