"""What the backends say of themselves, asked in short-lived workers: names, modes, devices."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from compare.contracts.backend import Device
from compare.limits import ANSWER_SECONDS
from compare.planning.choice import Choice
from compare.planning.interpreter import problem_of
from compare.planning.spelling import untagged
from compare.records.values import CellName
from compare.worker.channel import Message
from compare.worker.process import CellEnded, WorkerProcess
from compare.worker.several import several

_AT_ONCE = 4


@dataclass(frozen=True)
class Described:
    """One backend: what it calls itself, its modes, or why its adapter does not load.

    `adapter` is how it was asked for: an entry point's name or an adapter file.
    """

    adapter: str
    name: str = ""
    modes: list[str] = field(default_factory=list)
    oracle: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Seen:
    """One backend's framework as its adapter found it here, or why it is missing."""

    versions: dict[str, str] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    problem: str = ""
    oracle: bool = False


def describe_backends(names: Iterable[str], pythons: Mapping[str, str]) -> dict[str, Described]:
    """Load each adapter in a worker, not its framework, and ask who it is."""
    jobs = [partial(_describe, name, pythons.get(name)) for name in names]
    return {described.adapter: described for described in several(jobs, _AT_ONCE)}


class Identity(NamedTuple):
    """What computes a cell: the adapter's source, and the versions of its libraries."""

    adapter_sha256: str
    versions: dict[str, str]


def identities(choices: Iterable[Choice]) -> dict[CellName, Identity]:
    """Of each cell as it would be played now; one whose framework does not open has none."""
    found = {}
    for choice in choices:
        identity = _identity(choice.adapter, choice.cell.mode, choice.python, choice.cell.ranks > 1)
        if identity:
            found[choice.cell] = identity
    return found


@cache  # a framework takes seconds to open, and every point of a sweep asks
def _identity(name: str, mode: str, python: str | None, grouped: bool) -> Identity | None:
    try:
        opened = _open(name, mode, python)
    except CellEnded:
        return None
    if grouped and not opened["grouped"]:  # as a group it does not open either
        return None
    return Identity(opened["adapter_sha256"], opened["versions"])


def look_around(names: Iterable[str], pythons: Mapping[str, str]) -> dict[str, Seen]:
    """What every mode of each backend finds here, its framework imported, by "name:mode"."""
    described = describe_backends(names, pythons).values()
    modes = [(d, mode) for d in described for mode in d.modes]
    jobs = [partial(_look, d, mode, pythons.get(d.adapter)) for d, mode in modes]
    seen = zip(modes, several(jobs, _AT_ONCE), strict=True)
    found = {f"{d.adapter}:{mode}": one for (d, mode), one in seen}
    return found | {d.adapter: Seen(problem=d.problem) for d in described if d.problem}


def _look(backend: Described, mode: str, python: str | None) -> Seen:
    try:
        opened = _open(untagged(backend.adapter)[0], mode, python)
    except CellEnded as end:
        return Seen(problem=end.reason)
    devices = [Device(**device).label for device in opened["devices"]]
    return Seen(opened["versions"], devices, oracle=backend.oracle)


def _open(name: str, mode: str, python: str | None) -> Message:
    """What a worker says once its framework is imported; raises CellEnded if it is not."""
    with tempfile.TemporaryDirectory() as scratch:
        worker = WorkerProcess(name, python, None, Path(scratch) / "log")
        try:
            grouped = worker.hello()["grouped"]
            opened = worker.ask("open", ANSWER_SECONDS, mode=mode, threads=None)
            return {**opened, "grouped": grouped}
        finally:
            worker.stop()


def _describe(name: str, python: str | None) -> Described:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            worker = WorkerProcess(untagged(name)[0], python, None, Path(scratch) / "log")
        except OSError as error:
            return Described(name, problem=f"{python}: {error.strerror}")
        try:
            answer = worker.hello()
        except CellEnded as end:
            # One that died had no time to say why: its last words may.
            last = worker.log_tail().splitlines()[-1:] if worker.died else []
            wrong = problem_of(python) if python and worker.died else ""
            if wrong:
                return Described(name, problem=wrong)
            return Described(name, problem=": ".join([end.reason, *last]))
        finally:
            worker.stop()
    return Described(name, answer["name"], answer["modes"], answer["oracle"])
