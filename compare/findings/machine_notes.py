"""What a reader should know of the machine: who else used it, what stalled, drifted, was unlike."""

from collections.abc import Iterator, Mapping, Sequence

from compare.contracts.devices import KINDS
from compare.findings import doubts
from compare.findings.note import Found, Note
from compare.findings.number_text import count_of, significant
from compare.findings.window_thresholds import CPUS_OF_OTHERS
from compare.records.record_types import Header, Opened, Probed, SpeedCheck

_MUCH_STEAL = 0.02
_MUCH_DRIFT = 0.1
_MOST_NAMED = 5


def of_machine(found: Found) -> Iterator[Note]:
    """The gravest first."""
    yield from _of_contention(found)
    yield from _of_restless(found)
    yield from _of_stalls(found)
    yield from _of_drift(found)
    yield from _of_noise(found)
    yield from _of_growth(found)
    yield from _of_probes(found)
    yield from _of_devices(found)


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


def _of_growth(found: Found) -> Iterator[Note]:
    """Windows that do not count, being the first in which a process held so much."""
    grew = {c.name.label: sum(w.grew for w in c.windows) for c in found.cells}
    some = [f"{count} of {label}" for label, count in grew.items() if count]
    if some:
        text = "windows in which a process held more than ever before do not count: "
        yield Note(grade="record", text=text + ", ".join(some))


def _of_restless(found: Found) -> Iterator[Note]:
    """Workers that computed while another's window was timed."""
    timed = [w for cell in found.cells for w in cell.timed]
    used: dict[str, list[float]] = {}
    for window in timed:
        for label, seconds in window.resting_cpu_seconds.items():
            used.setdefault(label, []).append(seconds / (window.lead_seconds + window.seconds))
    for label, cpus in used.items():
        beside = sum(w.cell.label != label for w in timed)
        if sum(cpus) / beside > CPUS_OF_OTHERS:
            yield Note(
                grade="breaks",
                text=f"used {count_of(sum(cpus) / beside, 'CPU')} while others were timed",
                cells=[label],
                remedy="its train() may return before the device has finished: it has to wait",
            )


def _merged(busy: Mapping[str, Sequence[str]]) -> list[tuple[str, list[str]]]:
    """One cause is one line: the first figure that is told stands for all cells."""
    labels = [label for several in busy.values() for label in several]
    return [(next(iter(busy)), labels)] if busy else []


def _who(header: Header) -> str:
    used: dict[str, float] = {}
    for one in header.busy or ():
        used[one.name] = used.get(one.name, 0.0) + one.cpus
    most = sorted(used, key=lambda name: -used[name])[:_MOST_NAMED]
    seen = [f"{name} used {significant(used[name], 2)}" for name in most]
    return f" (before the first window: {', '.join(seen)})" if seen else ""


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
        most = count_of(max(steal.values()), "CPU")
        text = f"a hypervisor withheld up to {most} of this machine"
        yield Note(grade="widens", text=text, cells=list(steal))


def _of_probes(found: Found) -> Iterator[Note]:
    checks = [record.seconds for record in found.records if isinstance(record, SpeedCheck)]
    if checks and max(checks) > min(checks) * (1 + _MUCH_DRIFT):
        yield Note(
            grade="record",
            text=f"one fixed matrix product took from {significant(min(checks) * 1e3)} to"
            f" {significant(max(checks) * 1e3)} ms between rounds: the machine's speed was not"
            " constant",
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


def _of_stalls(found: Found) -> Iterator[Note]:
    timings = found.pace.counted.timings
    timed = {cell.name: timings[cell.name] for cell in found.cells if timings[cell.name]}
    for label, text in doubts.stalls(timed, found.comparisons).items():
        yield Note(grade="widens", text=text, cells=[label])


def _of_devices(found: Found) -> Iterator[Note]:
    """Where `auto` took less than one of the backends could have had."""
    opened = [r for r in found.records if isinstance(r, Opened) and r.cell.is_row]
    kinds = {r.cell.label: {label.partition(":")[0] for label in r.devices} for r in opened}
    if found.header.run.get("device") != "auto" or not kinds:
        return
    best = next((kind for kind in KINDS if any(kind in seen for seen in kinds.values())), "cpu")
    without = [label for label, seen in kinds.items() if best not in seen]
    if without and best != "cpu":
        yield Note(
            grade="record",
            text=f"no {best} device is seen by it, so none of the backends computed on one",
            cells=without,
            remedy=f"--device {best} insists, and skips who has none",
        )
