"""Who is done first? Time to train from a cold start: importing and compiling count as well."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from compare.findings.number_text import seconds
from compare.findings.summary import Summary

PHASES = ("import", "build", "compile")


class Start(NamedTuple):
    """One backend: seconds of each phase before it is at its pace, and of one step then."""

    label: str
    phases: dict[str, float]
    step_seconds: float

    @property
    def cold(self) -> float:
        return math.fsum(self.phases.values())

    def after(self, steps: int) -> float:
        """Seconds until so many steps are done."""
        return self.cold + steps * self.step_seconds


def starts(summary: Summary) -> list[Start]:
    """Of all backends whose pace and start are known, who is done first with the run's steps."""
    steps = summary.experiment["train"]["steps"]
    found = [
        Start(cell.label, {name: cell.phases[name] for name in PHASES}, cell.step_seconds)
        for cell in summary.cells
        if cell.step_seconds and cell.phases.keys() >= set(PHASES)
        if cell.status != "parity_failed"
    ]
    return sorted(found, key=lambda start: start.after(steps))


def sentences(summary: Summary) -> list[str]:
    """Who is done first with these steps, and up to how many steps who is; nothing where speeds
    cannot be judged."""
    found = starts(summary)
    verdicts: dict[frozenset[str], str] = {
        frozenset((one.first, one.second)): one.verdict for one in summary.comparisons
    }
    if len(found) < 2 or set(verdicts.values()) <= {"not judged"}:
        return []
    steps, first = summary.experiment["train"]["steps"], found[0]
    return [
        f"With the {steps:,} steps of this run {first.label} is done first, after"
        f" {seconds(first.after(steps))}, importing and compiling included.",
        _break_even(found, verdicts),
    ]


def _break_even(found: Sequence[Start], verdicts: Mapping[frozenset[str], str]) -> str:
    now = min(found, key=lambda start: (start.cold, start.step_seconds))
    parts = list[str]()
    while overtaken := _next(now, found):
        at, then = overtaken
        verdict = verdicts.get(frozenset((now.label, then.label)), "not judged")
        if verdict != "faster":
            at_least = f"{now.label} is done first up to some {_rounded(at)} steps at least"
            what = "separated from" if verdict == "not separated" else "judged against"
            return f"{', '.join([*parts, at_least])}; beyond, it is not {what} {then.label}."
        parts.append(f"{now.label} is done first up to {_rounded(at)} steps")
        now = then
    parts.append(f"{now.label} {'beyond' if parts else 'is done first, however many steps'}")
    return f"{', '.join(parts)}."


def _next(now: Start, found: Sequence[Start]) -> tuple[float, Start] | None:
    """Who is the first to overtake, being slower to start and faster at a step; after how many."""
    faster = [other for other in found if other.step_seconds < now.step_seconds]
    when = [
        ((other.cold - now.cold) / (now.step_seconds - other.step_seconds), other)
        for other in faster
    ]
    return min(when, key=lambda pair: (pair[0], pair[1].step_seconds), default=None)


def _rounded(steps: float) -> str:
    """To two digits: it is the ratio of two differences."""
    return f"{int(float(f'{max(1.0, steps):.2g}')):,}"
