"""Where a sweep stands: which points are done, which are played where, how long it still takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

_MOST_NAMED = 4  # points in a line


class Playing(NamedTuple):
    point: str
    where: str


@dataclass
class Standing:
    """`of` so many points; `seconds` is how long those took that are done or failed."""

    of: int
    done: int = 0
    failed: list[str] = field(default_factory=list)
    playing: list[Playing] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.of - self.done - len(self.failed)

    def seconds_left(self) -> float | None:
        """As many machines as are at work now, each at the pace so far; None where none is, or
        nothing is finished yet."""
        if not self.seconds or not self.playing:
            return None
        return fmean(self.seconds) * self.left / len(self.playing)

    def counts(self) -> str:
        """ "3 of 6 points done, 1 failed"."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{self.done} of {self.of} points done{failed}"

    def whereabouts(self) -> str:
        """ "batch=8 on node1, batch=16 on node2"."""
        return _shortened([f"{one.point} on {one.where}" for one in self.playing])


def _shortened(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_NAMED
    return ", ".join(texts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
