"""What a reader should know before trusting the figures of a run, with the remedy.

Every note that a report shows is made here, in one of three grades. One cause is one note, whatever
the number of backends that it shows in.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median

from compare.findings import doubts
from compare.findings.machine_notes import of_machine
from compare.findings.note import Found, Note
from compare.findings.number_text import count_of, seconds, significant
from compare.findings.window_thresholds import (
    JUDGED_PAIRS,
    PROCESS_SPREAD,
    ROUNDS_FOR_INTERVALS,
    SHORT_SECONDS,
)
from compare.records.record_types import Echoed, Ended


def notes_of(found: Found, problems: Sequence[str] = ()) -> list[Note]:
    """The gravest grade first. `problems` are what of the records could not be read."""
    notes = [
        *(Note(grade="breaks", text=problem) for problem in problems),
        *of_machine(found),
        *_of_windows(found),
        *_of_times(found),
        *_of_precision(found),
        *_of_losses(found),
        *_of_scores(found),
        *_of_outputs(found),
        *_of_rounds(found),
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
    how = "not every pair has an interval"
    if not math.isinf(reached):
        how = f"it is {significant(100 * reached)}%"
    text = f"the precision of {significant(100 * wanted)}% was not reached: {how}"
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
            text=f"the learning rate rises over {count_of(warmup, 'step')}, and training ends"
            f" after {steps:,}",
            remedy="take more --steps, or fewer optimizer.warmup_steps",
        )
    yield from _of_settings(found)
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
                outside = any(row.status == "parity_failed" for row in found.rows)
                remedy = "compare resume plays it again"
                yield Note(grade="breaks" if outside else "widens", text=text, remedy=remedy)
            if end.cell.control:
                text = f"{end.cell.label} failed, so verdicts know less of its noise: {end.reason}"
                yield Note(grade="widens", text=text)


def _of_settings(found: Found) -> Iterator[Note]:
    """Of what was asked for, and not by a preset, what changed nothing."""
    request, header = found.header.request, found.header
    asked = (
        {name for layer in request.overrides for name in layer.get("optimizer", ())}
        if request
        else set()
    )
    for name, of in header.experiment.optimizer.without_say().items():
        if name in asked:
            yield Note(grade="record", text=f"optimizer.{name} had no say: it is of {of}")


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
    outputs = count_of(found.gate.outputs, "output")
    text = f"up to {max(differ.values())} of {outputs} differ from another's"
    yield Note(grade="record", text=text + beside, cells=list(differ))


def _of_rounds(found: Found) -> Iterator[Note]:
    rounds = {place[0] for cell in found.cells for place in cell.timings}
    judged = [one for one in found.comparisons if one.verdict != "not judged"]
    if any(one.unit == "window" for one in judged):
        few = (
            "shared rounds are"
            if len(rounds) >= ROUNDS_FOR_INTERVALS
            else f"{len(rounds)} rounds are"
        )
        few = "one round is" if len(rounds) == 1 else few
        yield Note(
            grade="widens",
            text=f"{few} too few to tell what differs from process to process: windows are"
            f" compared, and intervals widened by {PROCESS_SPREAD:.0%} for each process",
            remedy=f"play {ROUNDS_FOR_INTERVALS} --rounds",
        )
