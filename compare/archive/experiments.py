"""What an experiment is called beside others, and what keeps two runs out of one table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compare.archive.tidy import settings_of
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.records.differences import differing_fields, in_short, upgrades

_PLACE = ("cpu", "cpus", "threads")
_SOFTWARE = ("system", "python")
_MOST_SETTINGS = 3  # that tell two experiments apart
_LONGEST_SOURCE = 24  # characters of a file's name


def conflict(first: Summary, other: Summary) -> str:
    """Why two runs cannot be in one table: another machine, number of threads or device. Empty
    where nothing speaks against it."""
    here, there = ({k: s.environment.get(k) for k in _PLACE} for s in (first, other))
    found = differing_fields(here, there)
    ours, theirs = ({c.label: _device(c) for c in s.cells if c.device} for s in (first, other))
    for label in (label for label in ours if label in theirs and ours[label] != theirs[label]):
        found.append(f"device of {label}: {ours[label]} and {theirs[label]}")
    return in_short(found)


def names(summaries: Sequence[Summary]) -> list[str]:
    """What each experiment is called among the others: task, preset, and data that a user gave;
    where these are equal, the settings that are not."""
    plain = [_plain(one) for one in summaries]
    found = []
    for name, one in zip(plain, summaries, strict=True):
        alike = [s for s, other in zip(summaries, plain, strict=True) if other == name]
        apart = _apart(one, alike) if len(alike) > 1 else ""
        found.append(f"{name}, {apart}" if apart else name)
    return found


def _plain(summary: Summary) -> str:
    source = str(summary.experiment["data"].get("source", ""))
    given = "" if source.startswith("generated") else Path(source).stem[:_LONGEST_SOURCE]
    return f"{summary.experiment['task']} {summary.preset}" + (f" ({given})" if given else "")


def _apart(one: Summary, alike: Sequence[Summary]) -> str:
    settings = [settings_of(other.experiment) for other in alike]
    mine = settings_of(one.experiment)
    differing = [name for name in mine if len({str(s.get(name)) for s in settings}) > 1]
    texts = [f"{name}={mine[name]}" for name in differing[:_MOST_SETTINGS]]
    same = [
        other for other in settings if all(str(other.get(n)) == str(mine[n]) for n in differing)
    ]
    if len(same) > 1:  # no setting tells them apart
        texts.append(one.fingerprint[:8])
    return " ".join(texts)


def machine(summary: Summary) -> str:
    """Where a run was played, in one line: devices that are no CPU, threads, processor."""
    found = summary.environment
    devices = dict.fromkeys(_device(cell) for cell in summary.cells if cell.device)
    named = [device for device in devices if device != "cpu"]
    return ", ".join([*named, place(found["threads"], found["cpu"], found["cpus"])])


def place(threads: int | str, cpu: str, cpus: int | str) -> str:
    """Threads that each backend was given, of which processor, in words."""
    return f"{_count(threads, 'thread')} of {cpu}, {_count(cpus, 'CPU')}"


def _count(number: int | str, what: str) -> str:
    return f"{number} {what}" if str(number) == "1" else f"{number} {what}s"


def _device(cell: CellSummary) -> str:
    kind = (cell.device or "").partition(":")[0]
    return kind if kind == "cpu" else cell.device_name or kind


def other_versions(experiments: Sequence[str], summaries: Sequence[Summary]) -> Iterator[str]:
    """Where a backend, or the system, is not of one version in all runs; `experiments` are what
    the runs' are called."""
    known: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for name, summary in zip(experiments, summaries, strict=True):
        software = {part: str(summary.environment.get(part)) for part in _SOFTWARE}
        of_cells = {cell.label: cell.versions for cell in summary.cells if cell.versions}
        for label, versions in {**of_cells, "the system": software}.items():
            first, earlier = known.setdefault(label, (name, versions))
            if earlier != versions:
                yield (
                    f"{label} is not the same in {first} and {name}: {upgrades(earlier, versions)}"
                )
