"""What the backends say of themselves, asked in short-lived workers: names, modes, devices."""

import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from compare.channel import Message
from compare.contracts import Device
from compare.errors import UserError, unknown
from compare.player import CellEnded, Player
from compare.plugins import check_backend_name, installed
from compare.records import CellName

_HELLO_SECONDS = 60.0
_OPEN_SECONDS = 300.0
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


@dataclass(frozen=True)
class Choice:
    """A cell to play, the adapter that plays it, and whether it is an oracle."""

    cell: CellName
    adapter: str
    oracle: bool


def describe(names: Iterable[str], pythons: Mapping[str, str]) -> dict[str, Described]:
    """Load each adapter in a worker, not its framework, and ask who it is."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda name: _describe(name, pythons.get(name)), names)
        return {described.adapter: described for described in found}


class Identity(NamedTuple):
    """What computes a cell: the adapter's source, and the versions of its libraries."""

    adapter_sha256: str
    versions: dict[str, str]


def identities(choices: Iterable[Choice], pythons: Mapping[str, str]) -> dict[CellName, Identity]:
    """Of each cell as it would be played now; one whose framework does not open has none."""
    found = {}
    for choice in choices:
        identity = _identity(choice.adapter, choice.cell.mode, pythons.get(choice.adapter))
        if identity:
            found[choice.cell] = identity
    return found


@cache  # a framework takes seconds to open, and every point of a sweep asks
def _identity(name: str, mode: str, python: str | None) -> Identity | None:
    try:
        opened = _open(name, mode, python)
    except CellEnded:
        return None
    return Identity(opened["adapter_sha256"], opened["versions"])


def look_around(names: Iterable[str], pythons: Mapping[str, str]) -> dict[str, Seen]:
    """What every mode of each backend finds here, its framework imported, by "name:mode"."""
    described = describe(names, pythons).values()
    modes = [(d.adapter, mode) for d in described for mode in d.modes]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seen = pool.map(lambda pair: _look(pair[0], pair[1], pythons.get(pair[0])), modes)
        found = {f"{name}:{mode}": one for (name, mode), one in zip(modes, seen, strict=True)}
    return found | {d.adapter: Seen(problem=d.problem) for d in described if d.problem}


def _look(name: str, mode: str, python: str | None) -> Seen:
    try:
        opened = _open(name, mode, python)
    except CellEnded as end:
        return Seen(problem=end.reason)
    devices = [Device(**device).label for device in opened["devices"]]
    return Seen(opened["versions"], devices)


def _open(name: str, mode: str, python: str | None) -> Message:
    """What a worker says once its framework is imported; raises CellEnded if it is not."""
    with tempfile.TemporaryDirectory() as scratch:
        player = Player(name, python, None, Path(scratch) / "log")
        try:
            player.ask("hello", _HELLO_SECONDS)
            return player.ask("open", _OPEN_SECONDS, mode=mode, threads=None)
        finally:
            player.stop()


def find_oracle() -> Choice:
    """The installed backend that the others are audited against.

    Raises UserError where there is none.
    """
    for backend in describe(installed("backend"), {}).values():
        if backend.oracle:
            cell = CellName(backend=backend.name, mode=backend.modes[0])
            return Choice(cell, backend.adapter, oracle=True)
    raise UserError("no installed backend is an oracle to audit against")


def choose_cells(
    wanted: list[str], pythons: Mapping[str, str], every_mode: bool = False
) -> list[Choice]:
    """The cells to play for `--backend` texts such as "torch:eager" or "path/to/adapter.py".

    Without any, every installed backend but the oracles. One that is named without a mode is
    played in its default mode, or in each with `every_mode`. Raises
    UserError for an unknown backend or mode, and for a wanted adapter that does not load.
    """
    pairs = [_adapter_and_mode(text) for text in wanted] or [(n, "") for n in installed("backend")]
    adapters = list(dict.fromkeys(adapter for adapter, _ in pairs))
    for adapter in adapters:
        check_backend_name(adapter)
    for adapter in pythons:
        if adapter not in adapters:
            raise unknown("backend", adapter, adapters, where="--python")
    described = describe(adapters, pythons)
    choices = []
    for adapter, mode in pairs:
        backend = described[adapter]
        if wanted and backend.problem:
            raise UserError(f"backend '{adapter}' cannot be loaded: {backend.problem}")
        if mode and mode not in backend.modes:
            raise unknown("mode", mode, backend.modes, where=f"backend {adapter}")
        if wanted or not backend.oracle:
            # A broken adapter that nobody asked for has no mode; its row will say why.
            modes = [mode] if mode else backend.modes or ["?"]
            for one in modes if every_mode else modes[:1]:
                cell = CellName(backend=backend.name or adapter, mode=one)
                choices.append(Choice(cell, adapter, backend.oracle))
    _refuse_twins(choices)
    return choices


def _refuse_twins(choices: list[Choice]) -> None:
    seen: dict[CellName, Choice] = {}
    for choice in choices:
        twin = seen.setdefault(choice.cell, choice)
        if twin is not choice:
            names = f"'{twin.adapter}' and '{choice.adapter}'"
            raise UserError(f"--backend has {choice.cell.label} twice: {names}")


def _adapter_and_mode(text: str) -> tuple[str, str]:
    name, _, mode = text.strip().partition(":")
    return name, mode


def _describe(name: str, python: str | None) -> Described:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            player = Player(name, python, None, Path(scratch) / "log")
        except OSError as error:
            return Described(name, problem=f"{python}: {error.strerror}")
        try:
            answer = player.ask("hello", _HELLO_SECONDS)
        except CellEnded as end:
            # One that died had no time to say why: its last words may.
            last = player.log_tail().splitlines()[-1:] if player.died else []
            return Described(name, problem=": ".join([end.reason, *last]))
        finally:
            player.stop()
    return Described(name, answer["name"], answer["modes"], answer["oracle"])
