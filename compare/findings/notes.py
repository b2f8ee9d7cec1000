"""What a reader should know before trusting the figures of a run, with the remedy.

Every note that a report shows is made here, in one of three grades. One cause is one note, whatever
the number of backends that it shows in.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Literal

from pydantic import BaseModel

from compare.findings import doubts
from compare.findings.cell_summary import CellSummary, Pace
from compare.findings.cells import Cell
from compare.findings.gate import Gate
from compare.findings.number_text import seconds
from compare.findings.speed import Comparison
from compare.findings.thresholds import (
    JUDGED_PAIRS,
    ROUNDS_FOR_INTERVALS,
    SHORT_SECONDS,
)
from compare.records.record_types import AnyRecord, Echoed, Ended, Header, Probed, SpeedCheck

Grade = Literal["breaks", "widens", "record"]
"""What a note does to the verdict; the last is for the record."""

_MUCH_STEAL = 0.02
_MUCH_DRIFT = 0.1


class Note(BaseModel):
    """`text` is about the `cells`, labels, or about the run where there are none; `remedy` is what
    can be done about it, in the way that the run was made."""

    grade: Grade
    text: str
    cells: list[str] = []
    remedy: str = ""

    def __str__(self) -> str:
        about = f"{', '.join(self.cells)}: " if self.cells else ""
        return f"{about}{self.text}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class Found:
    """What was found of a run, of which notes tell."""

    header: Header
    records: Sequence[AnyRecord]
    cells: Sequence[Cell]
    rows: Sequence[CellSummary]
    pace: Pace
    comparisons: Sequence[Comparison]
    gate: Gate
    precision: float | None

    @property
    def asked_for_a_precision(self) -> bool:
        return self.header.run.get("precision") is not None

    @property
    def remedy(self) -> str:
        """For windows that are too few or too short."""
        if self.asked_for_a_precision:
            return "give it more --budget"
        return "take more --steps or ask for a --precision"


def notes_of(found: Found, problems: Sequence[str] = ()) -> list[Note]:
    """The gravest grade first. `problems` are what of the records could not be read."""
    notes = [
        *(Note(grade="breaks", text=problem) for problem in problems),
        *_of_contention(found),
        *_of_windows(found),
        *_of_times(found),
        *_of_precision(found),
        *_of_losses(found),
        *_of_scores(found),
        *_of_outputs(found),
        *_of_rounds(found),
        *_of_stalls(found),
        *_of_drift(found),
        *_of_noise(found),
        *_of_machine(found),
    ]
    order = ("breaks", "widens", "record")
    return sorted(notes, key=lambda note: order.index(note.grade))


def unlike(first: str, differences: Mapping[str, str]) -> list[Note]:
    """Of runs that were merged and not made as the first was: `differences` in words, by run."""
    return [
        Note(grade="widens", text=f"{first} and {other} were not made alike: {how}")
        for other, how in differences.items()
    ]


def repeated(runs: Sequence[str]) -> list[Note]:
    """Of runs that were given more than once."""
    if not runs:
        return []
    return [Note(grade="record", text=f"given more than once, and counted once: {', '.join(runs)}")]


def _of_contention(found: Found) -> Iterator[Note]:
    counted = found.pace.counted
    busy: dict[str, list[str]] = {}
    for cell in found.cells:
        if why := doubts.too_busy(cell, counted):
            busy.setdefault(why, []).append(cell.name.label)
    header = found.header
    own = header.run.get("threads") == header.machine.get("cpus") != 1
    remedy = "end them, or leave them room: --threads 1" if own else "end them and run it again"
    if found.asked_for_a_precision:
        remedy += "; a longer --budget waits for quiet"
    for why, labels in _merged(busy):
        yield Note(
            grade="breaks", text=f"{why}: not judged{_who(header)}", cells=labels, remedy=remedy
        )
    named = {label for labels in busy.values() for label in labels}
    some = {
        cell.name.label: len(counted.contended[cell.name])
        for cell in found.cells
        if counted.contended[cell.name] and cell.name.label not in named
    }
    if some:
        count = ", ".join(f"{n} of {label}" for label, n in some.items())
        how = "do not count" if counted.left_out else "count, being too few to leave out"
        yield Note(
            grade="widens",
            text=f"windows in which something else ran {how}: {count}{_who(header)}",
        )


def _merged(busy: Mapping[str, Sequence[str]]) -> list[tuple[str, list[str]]]:
    """One cause is one line: the first figure that is told stands for all cells."""
    labels = [label for several in busy.values() for label in several]
    return [(next(iter(busy)), labels)] if busy else []


def _who(header: Header) -> str:
    seen = [f"{one.name} used {one.cpus:.2g}" for one in header.busy or ()]
    return f" (before the first window: {', '.join(seen)})" if seen else ""


def _of_windows(found: Found) -> Iterator[Note]:
    lasted = {cell.name.label: [w.seconds for w in cell.timed] for cell in found.cells}
    timed = {label: median(values) for label, values in lasted.items() if values}
    if any(cell.windows for cell in found.cells) and not timed:
        yield Note(grade="breaks", text="too few steps to time", remedy=found.remedy)
    counted, preset = found.pace.counted, found.header.preset
    unjudged = [c.name.label for c in found.cells if doubts.too_short(c, counted, preset)]
    short = [label for label, value in timed.items() if value < SHORT_SECONDS]
    if unjudged:
        least = min(timed[label] for label in unjudged)
        why = f"windows of {seconds(least)} are too short to judge by"
        if preset == doubts.FOR_TRYING:
            why += f": the preset {preset} is for seeing that it works"
        yield Note(grade="breaks", text=why, cells=unjudged, remedy=found.remedy)
    elif short:
        least = min(timed[label] for label in short)
        yield Note(
            grade="widens",
            text=f"windows of {seconds(least)} scatter more than those of a second would",
            cells=short,
            remedy=found.remedy,
        )
    few = [one.pairs for one in found.comparisons if one.pairs < JUDGED_PAIRS]
    if few and not unjudged:
        text = (
            f"{min(few)} {'pair' if min(few) == 1 else 'pairs'} of windows are too few to judge by"
        )
        yield Note(grade="breaks", text=text, remedy=found.remedy)


def _of_times(found: Found) -> Iterator[Note]:
    """Of cells that no window was played together of: a resumption's, or those of several runs."""
    timings = found.pace.counted.timings
    timed = [cell.name for cell in found.cells if timings[cell.name]]
    apart = [
        f"{one.label} and {other.label}"
        for one, other in combinations(timed, 2)
        if not timings[one].keys() & timings[other].keys()
    ]
    if apart:
        text = f"not compared in speed, since played at different times: {', '.join(apart)}"
        yield Note(grade="breaks", text=text, remedy="play them in one run")


def _of_precision(found: Found) -> Iterator[Note]:
    wanted, reached = found.header.run.get("precision"), found.precision
    if wanted is None or reached is None or reached <= wanted:
        return
    how = "not every pair has an interval" if math.isinf(reached) else f"it is {100 * reached:.3g}%"
    text = f"the precision of {100 * wanted:.3g}% was not reached: {how}"
    yield Note(grade="widens", text=text, remedy="give it more --budget")


def _of_losses(found: Found) -> Iterator[Note]:
    if not found.header.experiment.losses_are_comparable():
        yield Note(
            grade="widens",
            text="native dropout: each framework drew masks of its own, so losses are not compared",
            remedy="--set train.dropout_masks=core draws the same for all",
        )
    warmup = found.header.experiment.optimizer.warmup_steps
    steps = found.header.experiment.train.steps
    if warmup >= steps:
        yield Note(
            grade="record",
            text=f"the learning rate rises over {warmup} steps, and training ends after {steps}",
            remedy="take more --steps, or fewer optimizer.warmup_steps",
        )
    again = sum(isinstance(record, Echoed) for record in found.records)
    if again:
        yield Note(
            grade="record",
            text="a curve was just outside the parity gate, so its echo was trained"
            f" {again + 1} times: the widest envelope counts",
        )
    for end in found.records:
        if isinstance(end, Ended) and end.status == "failed":
            if end.cell.echo:
                text = f"the echo failed, so the parity gate is narrower: {end.reason}"
                yield Note(grade="widens", text=text)
            if end.cell.control:
                text = f"{end.cell.label} failed, so verdicts know less of its noise: {end.reason}"
                yield Note(grade="widens", text=text)


def _of_scores(found: Found) -> Iterator[Note]:
    missing: dict[tuple[str, str], list[str]] = {}
    for cell in found.cells:
        if evaluated := cell.evaluated(found.header.experiment.train.steps):
            for metric, reason in evaluated.unscored.items():
                missing.setdefault((metric, reason), []).append(cell.name.label)
    for (metric, reason), labels in missing.items():
        yield Note(grade="widens", text=f"no {metric} of {', '.join(labels)}: {reason}")


def _of_outputs(found: Found) -> Iterator[Note]:
    differ = {r.label: r.outputs_differing for r in found.rows if r.outputs_differing}
    if not differ:
        return
    own = found.gate.echo_outputs
    beside = "" if own is None else f"; of the echo, which differs by rounding alone, {own} did"
    text = f"up to {max(differ.values())} of {found.gate.outputs} outputs differ from another's"
    yield Note(grade="record", text=text + beside, cells=list(differ))


def _of_rounds(found: Found) -> Iterator[Note]:
    rounds = {place[0] for cell in found.cells for place in cell.timings}
    if found.comparisons and 1 < len(rounds) < ROUNDS_FOR_INTERVALS:
        yield Note(
            grade="widens",
            text=f"{len(rounds)} rounds are too few to be what is compared: windows are, and what"
            " differs from process to process is in no interval",
            remedy=f"play {ROUNDS_FOR_INTERVALS} --rounds",
        )


def _of_stalls(found: Found) -> Iterator[Note]:
    timings = found.pace.counted.timings
    timed = {cell.name: timings[cell.name] for cell in found.cells if timings[cell.name]}
    for label, text in doubts.stalls(timed, found.comparisons).items():
        yield Note(grade="widens", text=text, cells=[label])


def _of_drift(found: Found) -> Iterator[Note]:
    shared, own = doubts.drifts([cell for cell in found.cells if cell.timings])
    if shared:
        yield Note(grade="record", text=shared)
    for label, how in own.items():
        text = f"not in a steady state: {how}"
        yield Note(grade="widens", text=text, cells=[label], remedy=found.remedy)


def _of_noise(found: Found) -> Iterator[Note]:
    noisy = {c.name.label: len(n) for c in found.cells if (n := c.steadiness().noisy)}
    if noisy:
        count = ", ".join(f"{n} of {label}" for label, n in noisy.items())
        text = f"windows far off the others of their cell count, and widen intervals: {count}"
        yield Note(grade="record", text=text)
    steal = {c.name.label: s for c in found.cells if (s := c.steal_share() or 0.0) > _MUCH_STEAL}
    if steal:
        text = f"a hypervisor withheld up to {max(steal.values()):.2g} CPUs of this machine"
        yield Note(grade="widens", text=text, cells=list(steal))


def _of_machine(found: Found) -> Iterator[Note]:
    checks = [record.seconds for record in found.records if isinstance(record, SpeedCheck)]
    if checks and max(checks) > min(checks) * (1 + _MUCH_DRIFT):
        yield Note(
            grade="record",
            text=f"one fixed matrix product took from {min(checks) * 1e3:.3g} to"
            f" {max(checks) * 1e3:.3g} ms between rounds: the machine's speed was not constant",
        )
    for probed in [record for record in found.records if isinstance(record, Probed)][-1:]:
        if probed.narrowed_by:
            names = ", ".join(probed.narrowed_by)
            text = f"set in the environment, and not heeded for the roof: {names}"
            yield Note(grade="record", text=text)
    above = [row.label for row in found.rows if row.roofline_share and row.roofline_share > 1]
    if above:
        yield Note(
            grade="record",
            text="faster than the roof that was measured, so shares of it cannot be trusted",
            cells=above,
        )
