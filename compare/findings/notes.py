"""What a reader should know before trusting the figures of a run, with the remedy."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from compare.findings.cells import Cell
from compare.findings.thresholds import SHORT_SECONDS
from compare.records.record_types import AnyRecord, Echoed, Ended, Header, SpeedCheck

_MUCH_STEAL = 0.02
_MUCH_DRIFT = 0.1


def notes_of(
    cells: Sequence[Cell],
    precision: float | None,
    records: Sequence[AnyRecord],
    header: Header,
) -> list[str]:
    """A line each, the gravest first. `precision` is the largest half-width of the intervals, as
    a fraction, None where nothing was timed."""
    return [
        *_of_losses(records, header),
        *_of_scores(cells, header),
        *_of_windows(cells),
        *_of_noise(cells),
        *_of_machine(records),
        *_of_precision(precision, header),
        *_of_times(cells),
    ]


def _of_losses(records: Sequence[AnyRecord], header: Header) -> Iterator[str]:
    if not header.experiment.losses_are_comparable():
        yield (
            "native dropout: each framework drew masks of its own, so losses are not compared;"
            " --set train.dropout_masks=core draws the same for all"
        )
    warmup, steps = header.experiment.optimizer.warmup_steps, header.experiment.train.steps
    if warmup >= steps:
        yield (
            f"the learning rate rises over {warmup} steps, and the training ends after {steps}:"
            " take more --steps, or fewer optimizer.warmup_steps"
        )
    again = sum(isinstance(record, Echoed) for record in records)
    if again:
        yield (
            f"a curve was just outside the parity gate, so its echo was trained {again + 1} times:"
            " the widest envelope counts"
        )
    for end in records:
        if isinstance(end, Ended) and end.status == "failed":
            if end.cell.echo:
                yield f"the echo failed, so the parity gate is narrower: {end.reason}"
            if end.cell.control:
                yield f"{end.cell.label} failed, so verdicts know less of its noise: {end.reason}"


def _of_scores(cells: Sequence[Cell], header: Header) -> Iterator[str]:
    missing: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if evaluated := cell.evaluated(header.experiment.train.steps):
            for metric, reason in evaluated.unscored.items():
                missing.setdefault((metric, reason), []).append(cell.name.label)
    for (metric, reason), labels in missing.items():
        yield f"no {metric} of {', '.join(labels)}: {reason}"


def _of_windows(cells: Sequence[Cell]) -> Iterator[str]:
    seconds = [w.seconds for cell in cells for w in cell.timed]
    if seconds and min(seconds) < SHORT_SECONDS:
        yield (
            f"the shortest timed window lasted {min(seconds):.3g} s: too short for rates to be"
            " trusted; take more --steps, a larger model or a --precision"
        )
    if any(cell.windows for cell in cells) and not seconds:
        yield "too few steps to time: take more --steps for a throughput"


def _of_noise(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        label, found = cell.name.label, cell.steadiness()
        if found.drift and not found.steady:
            if found.drifts:
                change = found.drift.value - 1
                how = f"its last half was {abs(change):.1%} {'faster' if change > 0 else 'slower'}"
            else:
                how = f"its rate changed at window {found.changepoint} of {found.windows}"
            yield f"{label} was not in a steady state: {how}; take more --steps"
        if found.noisy:
            yield (
                f"{label}: {len(found.noisy)} of {found.windows} windows are far off the others;"
                " they count, and widen its intervals"
            )
        steal = cell.steal_share()
        if steal and steal > _MUCH_STEAL:
            yield f"{label}: a hypervisor withheld {steal:.2g} CPUs of this machine meanwhile"


def _of_machine(records: Sequence[AnyRecord]) -> Iterator[str]:
    checks = [record.seconds for record in records if isinstance(record, SpeedCheck)]
    if checks and max(checks) > min(checks) * (1 + _MUCH_DRIFT):
        yield (
            f"one fixed matrix product took from {min(checks) * 1e3:.3g} to"
            f" {max(checks) * 1e3:.3g} ms between rounds: the machine's speed was not constant"
        )


def _of_precision(reached: float | None, header: Header) -> Iterator[str]:
    wanted = header.run.get("precision")
    if wanted is None or reached is None or reached <= wanted:
        return
    how = "not every pair has an interval" if math.isinf(reached) else f"it is {100 * reached:.3g}%"
    yield f"the precision of {100 * wanted:.3g}% was not reached: {how}; give it more --budget"


def _of_times(cells: Sequence[Cell]) -> Iterator[str]:
    """Of cells that no window was played together of: a resumption's, or those of several runs."""
    timed = [cell for cell in cells if cell.timings]
    apart = [
        f"{one.name.label} and {other.name.label}"
        for one, other in combinations(timed, 2)
        if not one.timings.keys() & other.timings.keys()
    ]
    if apart:
        yield f"not compared in speed, since played at different times: {', '.join(apart)}"
