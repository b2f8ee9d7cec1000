"""How far a job has come, and how long it has to go: from its records and a clock, nothing else."""

import math
import time
from collections.abc import Callable
from statistics import fmean

from compare.findings.number_text import clock, significant
from compare.findings.window_thresholds import JUDGED_SECONDS, ROUND_SECONDS, ROUND_WINDOWS
from compare.records.record_types import (
    Built,
    Ended,
    Evaluated,
    Header,
    Opened,
    Resumed,
    SpeedCheck,
    Window,
)
from compare.records.values import CellName, Record
from compare.spec.settings import RunSection
from compare.swept.standing import Standing

_DOING = {
    "first": "compiling", "warmup": "warming up", "steady": "training", "beyond": "measuring on",
}  # fmt: skip


class Row:
    """What is known of one cell while it plays."""

    def __init__(self) -> None:
        self.doing, self.step, self.loss, self.rate = "waiting", 0, math.nan, math.nan
        self.playing = False

    def see(self, record: Record) -> None:
        match record:
            case Opened():
                self.doing, self.step = "imported", 0
            case Built():
                self.doing, self.playing = "compiling", True
            case Window():
                self.doing = _DOING[record.role]
                if record.losses:
                    self.step = record.first_step + len(record.losses)
                    self.loss = record.losses[-1]
                if record.is_timed:
                    self.rate = record.tokens / record.seconds
            case Evaluated():
                self.doing = f"evaluated: {record.loss:.4f}"
            case Ended():
                self.playing = False
                self.doing = record.status + (f": {record.reason}" if record.reason else "")


class Course:
    """Of a whole job: what is made ready, a run or the points of a sweep, or things to count.

    `phase` is what is being done, `detail` what of it changes from moment to moment, `rows` has
    every cell of the run that is played.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._began = now, now()
        self.phase, self.detail = "starting", ""
        self.rows: dict[CellName, Row] = {}
        self.header: Header | None = None
        self.precision: float | None = None  # reached so far
        self._counted: tuple[int, int] | None = None
        self._point: tuple[int, int, str] | None = None
        self._points = list[float]()  # how long finished points took
        self.standing: Standing | None = None  # of points that are played elsewhere
        self._begin_run()

    def _begin_run(self) -> None:
        self._run, self._run_began = RunSection(), self._now()
        self.rows, self.precision = {}, None
        self.steps, self.round, self.first_round, self.last_round = 1, 0, 0, 0
        self._needed = 1  # rounds of the cell that needs most
        self._round_began = self._run_began
        self._later = list[float]()  # how long finished rounds after the first one took
        self._startup = 0.0  # of the first round, until every cell had made a step
        self._windows = list[float]()
        self._pace: tuple[float, float] | None = None  # when all had made two steps, and how many

    # What happens

    def begin(self, phase: str) -> None:
        """Something is made ready, before anything is played."""
        self.phase, self.detail = phase, ""

    def point(self, number: int, of: int, name: str) -> None:
        """A run of several begins."""
        if self._point:
            self._points.append(self._now() - self._run_began)
        self._point = number, of, name
        self._begin_run()

    def stand(self, standing: Standing) -> None:
        """Points are played elsewhere, so many of them by now."""
        self.standing = standing
        self.phase, self.detail = standing.counts(), standing.whereabouts()

    def count(self, phase: str, done: int, of: int) -> None:
        """So many things of a number are done, and this one is begun."""
        self.phase, self.detail, self._counted = phase, f"{done + 1} of {of}", (done, of)

    def decoding(self, cell: CellName, done: int, batches: int) -> None:
        """Outputs for so many validation batches are there."""
        self.phase, self.detail = "evaluating", f"{cell.label}: outputs {done} of {batches}"
        self.rows[cell].doing = f"outputs {done} of {batches}"

    def waiting(self, cpus: float) -> None:
        """Others use the machine, and the run waits for it."""
        self.detail = f"waiting for quiet: others use {cpus:.2f} CPUs"

    def see(self, record: Record) -> None:
        """One more record of the run."""
        match record:
            case Header():
                self._begin_run()
                self.header, self.steps = record, record.experiment.train.steps
                self._run = RunSection.model_validate(record.run)
                self._needed = self._run.rounds
                self.phase = "measuring the machine" if self._run.roofline else "starting"
                self.rows = {cell: Row() for cell in record.cells}
            case Resumed():
                self._resume(record)
            case SpeedCheck():  # at the beginning of a round, and at its end
                self._begin_round(record.round)
            case Opened() | Built() | Window() | Evaluated() | Ended():
                self._begin_round(record.round)
                self.rows.setdefault(record.cell, Row()).see(record)
                self._phase_of(record)
        if isinstance(record, Window):
            self._time(record)

    def _resume(self, record: Resumed) -> None:
        kept = [one.cell for one in record.kept]
        for cell in kept:
            self.rows.setdefault(cell, Row()).doing = "finished before"
        self._needed = max((self._run.rounds - kept.count(cell) for cell in self.rows), default=0)

    def _begin_round(self, number: int) -> None:
        if number == self.round:
            return
        if self.first_round and self.round > self.first_round:
            self._later.append(self._now() - self._round_began)
        if not self.first_round:
            self.first_round, self.last_round = number, number - 1 + max(1, self._needed)
        self.round, self._round_began, self._pace = number, self._now(), None

    def _phase_of(self, record: Record) -> None:
        match record:
            case Opened():
                self.phase, self.detail = "starting the backends", ""
            case Built():
                self.phase, self.detail = "compiling", ""
            case Window():
                self.phase, self.detail = _DOING[record.role], ""
                if record.role != "beyond":
                    self.detail = f"step {self.rows[record.cell].step:,} of {self.steps:,}"
            case Evaluated():
                self.phase, self.detail = "evaluating", ""

    def _time(self, window: Window) -> None:
        if self.round != self.first_round:
            return
        playing = [row.step for row in self.rows.values() if row.playing]
        if self._pace is None and playing and min(playing) >= 2:
            self._pace = self._now(), fmean(playing)
        if window.role == "first":
            self._startup = self._now() - self._round_began
        elif window.role != "warmup":
            self._windows.append(window.lead_seconds + window.seconds)

    # What can be said of it

    def elapsed(self) -> float:
        """Seconds since the job began."""
        return self._now() - self._began

    def left(self) -> float | None:
        """Seconds that it still takes at the pace so far, or may take by its budget; None where
        that cannot be told yet."""
        if self.standing:
            return self.standing.seconds_left()
        if self._counted:
            done, of = self._counted
            return self.elapsed() / done * (of - done) if done else None
        left = self._left_of_run()
        if left is None or self._point is None:
            return left
        number, of, _ = self._point
        mean = fmean([*self._points, self._now() - self._run_began + left])
        return left + mean * (of - number)

    def share(self) -> float | None:
        """How much of the whole is done, from 0 to 1; None where that cannot be told yet."""
        if self.standing:
            return 1 - self.standing.left / max(1, self.standing.of)
        left, elapsed = self.left(), self.elapsed()
        return None if left is None else elapsed / max(1e-9, elapsed + left)

    def place(self) -> str:
        """Which run of several, which round, which phase: "2 of 4, batch=8: round 1 of 5,
        training"."""
        parts = [self._round_text(), self.phase if self.round == self.first_round else ""]
        text = ", ".join(part for part in parts if part)
        if self._point is None:
            return text
        number, of, name = self._point
        return f"{number} of {of}, {name}: {text}"

    def outlook(self) -> str:
        """How long it has to go, and how precise it is: "1:20 of the budget left; now 3.1%, wanted
        2%"."""
        left = self.left()
        parts = []
        by_budget = self.header is not None and not self._counted and self._by_budget()
        if left is not None and (by_budget or left >= 0.5):  # less is no forecast: of what follows
            parts.append(
                f"{clock(left)} of the budget left" if by_budget else f"about {clock(left)} left"
            )
        if self.header and self._run.precision:
            now = self.precision if self.precision is not None else math.inf
            so_far = (
                f"now ±{significant(100 * now, 2)}%" if math.isfinite(now) else "no interval yet"
            )
            parts.append(f"{so_far}, wanted {significant(100 * self._run.precision, 2)}%")
        return "; ".join(parts)

    def _round_text(self) -> str:
        if self.last_round <= 1 and self.round <= 1:
            return ""
        return f"round {self.round}" + (
            f" of {self.last_round}" if self.round <= self.last_round else ""
        )

    def _left_of_run(self) -> float | None:
        if self.header is None:
            return None
        training = self._left_of_training()
        if self._by_budget():
            return self._left_of_budget()
        return None if training is None else training + self._left_of_rounds()

    def _left_of_budget(self) -> float:
        return max(0.0, self._run_began + self._run.measuring_seconds - self._now())

    def _by_budget(self) -> bool:
        """Whether what is left is a budget's rather than that of rounds which take longer."""
        if not self._run.measuring_seconds:
            return False
        needed = (self._left_of_training() or 0.0) + self._left_of_rounds()
        return self._left_of_budget() >= needed

    def _left_of_training(self) -> float | None:
        """Of the first round, which trains whole; None before the second step of every cell."""
        playing = [row.step for row in self.rows.values() if row.playing]
        if self.round != self.first_round or (not playing and self._windows):
            return 0.0
        if not playing or min(playing) < 2:
            return None
        done = fmean(playing)
        began, before = self._pace or (self._now(), done)
        if done <= before:
            return 0.0 if done == self.steps else None
        return (self._now() - began) / (done - before) * (self.steps - done)

    def _left_of_rounds(self) -> float:
        """Of the rounds after the first one: as long as those before took, or as long as it takes
        to start all cells and to play a few windows in each, which fill a round if they can."""
        playing = sum(row.step > 0 for row in self.rows.values())
        window = fmean(self._windows) if self._windows else 0.0
        shortest = self._startup + ROUND_WINDOWS * playing * window
        filled = ROUND_SECONDS if window >= JUDGED_SECONDS else 0.0
        each = fmean(self._later) if self._later else max(shortest, filled)
        left = each * max(0, self.last_round - self.round)
        if self.round > self.first_round:
            left += max(0.0, each - (self._now() - self._round_began))
        return left
