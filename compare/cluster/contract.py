"""What an engine implements, so that the points of a sweep can be played on its machines.

An engine is an object with these methods, declared under the entry-point group `compare.engines`.
"""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Stage:
    """A machine that plays one point at a time, and nothing else meanwhile; `name` is what a reader
    knows it by. With a `problem` it cannot be used, and that is why."""

    name: str
    problem: str = ""


@dataclass(frozen=True)
class Job:
    """One point of a sweep: the `manifest` of a sweep that has no other, and the point's name;
    `begun` is what was played of it before, packed, empty if nothing was."""

    sweep: str
    manifest: bytes
    point: str
    begun: bytes = b""


@dataclass(frozen=True)
class Played:
    """How `compare point` ended on a stage: its exit code, what it said if that is not 0, and the
    run folder, packed; empty where nothing was begun."""

    code: int
    said: str
    folder: bytes


class StageLost(Exception):
    """The machine is gone: nothing came back."""


class Engine(Protocol):
    """`name` is what --cluster calls it."""

    name: str

    def stages(self, address: str) -> list[Stage]:
        """Every machine of the cluster at an address, the one at hand if it is empty; each is held
        until `close`. Raises UserError where there is no such cluster."""
        ...

    def play(self, stage: Stage, job: Job) -> "Future[Played]":
        """Begin a job on a stage that has none; the future raises StageLost where it is lost."""
        ...

    def stop(self) -> None:
        """Interrupt what is being played, as Ctrl-C does; it comes back as far as it is."""
        ...

    def close(self) -> None:
        """End all that was started, everywhere."""
        ...
