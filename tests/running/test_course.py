"""How long a job still takes, on a clock that the test moves."""

import math

import pytest
from fake_records import STEPS, A, B, header, window

from compare.findings.window_thresholds import ROUND_SECONDS, ROUND_WINDOWS
from compare.records.record_types import Built, Ended, KeptRound, Opened, Resumed, SpeedCheck
from compare.records.values import CellName, Record
from compare.running.course import Course

STARTUP = 10.0  # of a round of two cells, until each has made a step


class Played:
    """A run on a fake clock: `at(seconds, record)` is a record that took so long to come."""

    def __init__(self, **run: object) -> None:
        self.now = 0.0
        self.course = Course(lambda: self.now)
        self.at(5, header(A, B, roofline=False, **run))

    def at(self, seconds: float, record: Record) -> None:
        self.now += seconds
        self.course.see(record)

    def start(self, number: int) -> None:
        """A round's beginning: two cells start in 4 seconds each, and step in 1."""
        self.at(0, SpeedCheck(round=number, seconds=0.01))
        for cell in (A, B):
            self.at(3, _opened(cell, number))
            self.at(1, Built(cell=cell, round=number, seconds=1, device="cpu"))
        for cell in (A, B):
            self.at(1, window(cell, "first", 0, 100, 0.75, round=number))

    def steps(self, first: int, last: int, number: int = 1) -> None:
        """A window of a step each, a second long."""
        for step in range(first, last):
            for cell in (A, B):
                self.at(1, window(cell, "steady", step, 100, 0.75, round=number))

    def end(self, number: int) -> None:
        for cell in (A, B):
            self.at(0, Ended(cell=cell, round=number, status="ok", process_peak_bytes=1))
        self.at(0, SpeedCheck(round=number, seconds=0.01))


def _opened(cell: CellName, number: int) -> Opened:
    return Opened(
        cell=cell, round=number, seconds=3, memory_bytes=1, versions={}, devices=[],
    )  # fmt: skip


def left(played: Played) -> float:
    found = played.course.left()
    assert found is not None
    return found


def test_of_one_round_the_training_is_left() -> None:
    played = Played(rounds=1)
    played.start(1)
    assert played.course.left() is None  # nothing tells yet how long a step takes
    played.steps(1, 5)
    assert left(played) == pytest.approx(2 * (STEPS - 5))
    assert played.course.place() == "training"
    assert played.course.detail == f"step 5 of {STEPS}"
    played.steps(5, STEPS)
    assert left(played) == pytest.approx(0, abs=0.01)
    played.end(1)
    assert left(played) == 0
    assert played.course.share() == 1


def test_further_rounds_take_as_long_as_a_start_and_a_few_windows_then_as_those_before() -> None:
    played = Played(rounds=3)
    played.start(1)
    played.steps(1, STEPS)
    each = max(ROUND_SECONDS, STARTUP + ROUND_WINDOWS * 2)
    assert left(played) == pytest.approx(2 * each, abs=0.01)
    played.end(1)
    played.start(2)
    assert played.course.place() == "round 2 of 3"
    assert left(played) == pytest.approx(2 * each - STARTUP, abs=0.01)
    played.steps(1, 6, number=2)  # longer than it was thought
    played.end(2)
    played.start(3)
    assert left(played) == pytest.approx(STARTUP + 10 - STARTUP, abs=0.01)


def test_a_cell_that_ends_does_not_turn_the_clock_back() -> None:
    played = Played(rounds=1)
    played.start(1)
    played.steps(1, 4)
    played.at(0, Ended(cell=B, round=1, status="failed", reason="it died"))
    for step in range(4, 7):
        played.at(1, window(A, "steady", step, 100, 0.75))
        assert 0 < left(played) < 2 * STEPS
    assert played.course.rows[B].doing == "failed: it died"


def test_of_a_budget_it_is_told_what_is_left_of_it_and_how_precise_it_is() -> None:
    played = Played(rounds=1, precision=0.02, budget=100.0)
    played.start(1)
    assert played.course.outlook() == "1:30 of the budget left; no interval yet, wanted 2%"
    played.steps(1, STEPS)
    played.course.precision = 0.0314
    assert played.course.outlook() == "1:12 of the budget left; now ±3.1%, wanted 2%"
    played.course.precision = math.inf
    assert "no interval yet" in played.course.outlook()
    played.now += 1000
    assert left(played) == 0


def test_of_rounds_that_outlast_the_budget_it_is_told_what_they_take() -> None:
    played = Played(rounds=3, precision=0.02, budget=40.0)
    played.start(1)
    assert "of the budget left" in played.course.outlook()
    played.steps(1, STEPS)
    each = max(ROUND_SECONDS, STARTUP + ROUND_WINDOWS * 2)
    assert left(played) == pytest.approx(2 * each, abs=0.01)
    assert played.course.outlook() == "about 0:40 left; no interval yet, wanted 2%"


def test_the_points_of_a_sweep_are_one_whole() -> None:
    played = Played(rounds=1)
    played.course.point(1, 3, "batch=8")
    played.at(0, header(A, B, rounds=1, roofline=False))
    played.start(1)
    played.steps(1, STEPS)
    played.end(1)
    took = STARTUP + 2 * (STEPS - 1)
    assert left(played) == pytest.approx(2 * took)
    played.course.point(2, 3, "batch=16")
    played.at(0, header(A, B, rounds=1, roofline=False))
    played.start(1)
    played.steps(1, 5)
    assert played.course.place() == "2 of 3, batch=16: training"
    assert left(played) == pytest.approx(2 * (STEPS - 5) + took, rel=0.01)


def test_a_run_that_is_taken_up_again_counts_the_rounds_that_it_lacks() -> None:
    played = Played(rounds=3)
    kept = [KeptRound(cell=cell, round=number) for cell in (A, B) for number in (1, 2)]
    now = header().started
    played.at(1, Resumed(started=now, command=[], machine={}, environment={}, kept=kept))
    assert played.course.rows[A].doing == "finished before"
    played.start(4)
    assert played.course.place() == "round 4 of 4, compiling"


def test_things_that_are_counted() -> None:
    now = 0.0
    course = Course(lambda: now)
    course.count("auditing a:m", 0, 4)
    assert (course.left(), course.detail) == (None, "1 of 4")
    now = 30.0
    course.count("auditing b:m", 2, 4)
    assert (course.left(), course.share(), course.detail) == (30.0, 0.5, "3 of 4")
