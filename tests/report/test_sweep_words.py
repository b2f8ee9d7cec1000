"""What is said of a sweep: who is ahead at which points."""

from collections.abc import Sequence
from typing import Any

import pytest
from compare.report.sweep_words import verdicts
from fake_records import A, B, C, header, steady, whole

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.findings.summary import Summary, summarise
from compare.records.record_types import AnyRecord


def at(*seconds: float, spread: float = 1e-5) -> Summary:
    """A run of which the windows of each backend take about so many seconds."""
    cells = (A, B, C)[: len(seconds)]
    records: list[AnyRecord] = [header(*cells)]
    for number, (cell, took) in enumerate(zip(cells, seconds, strict=True)):
        drawn = [took * (1 + spread * ((i * 5 + number * 2) % 7 - 3)) for i in range(6)]
        records += whole(cell, steady(cell, drawn))
    return summarise(records)


def sweep(values: Sequence[Any], points: Sequence[Summary | None]) -> SweepSummary:
    swept = [
        SweptPoint(name=f"batch={value}", values={"train.batch": value}, summary=summary)
        for value, summary in zip(values, points, strict=True)
    ]
    return SweepSummary(
        run_id="swept", command=[], axes={"train.batch": list(values)}, points=swept, scaling=[]
    )


def test_who_is_ahead_everywhere_is_said_once_with_each_ratio() -> None:
    found = verdicts(sweep([2, 4], [at(1.0, 5.7), at(1.0, 6.8)]))
    assert found == ["a:m is ahead at every train.batch: 5.70 times as fast as b:m at 2, 6.80 at 4"]


def test_where_the_lead_changes_each_has_its_points() -> None:
    found = verdicts(sweep([2, 4, 8], [at(1.0, 2.0), at(2.0, 1.0), at(3.0, 1.0)]))
    assert found == [
        "a:m is ahead at train.batch 2: 2.00 times as fast as b:m at 2",
        "b:m is ahead at train.batch 4, 8: 2.00 times as fast as a:m at 4, 3.00 at 8",
    ]


def test_of_three_the_ratio_is_to_the_next() -> None:
    found = verdicts(sweep([2, 4], [at(1.0, 2.0, 3.0), at(1.0, 5.0, 4.0)]))
    assert found == [
        "a:m is ahead at every train.batch: 2.00 times as fast as the next at 2 (b:m),"
        " 4.00 at 4 (c:m)"
    ]


def test_what_cannot_be_told_is_said_with_its_points() -> None:
    points = [at(1.0, 1.0, spread=0.05), at(0.01, 0.02), None, at(1.0, 3.0)]
    separated, tied, short, missing = verdicts(sweep([2, 4, 8, 16], points))
    assert separated == "a:m is ahead at train.batch 16: 3.00 times as fast as b:m at 16"
    assert tied.startswith("not separated at train.batch 2: ")
    assert short.startswith("not judged at train.batch 4: windows of ")
    assert missing == "not played yet: train.batch 8 (compare point swept N, N = 3 of 4)"


def test_what_is_missing_is_named_as_batch_systems_take_it() -> None:
    points = [None, at(1.0, 2.0), *[None] * 10, at(1.0, 2.0), None]
    missing = verdicts(sweep(list(range(1, 15)), points))[-1]
    assert missing == (
        "not played yet: train.batch 1 and 11 others (compare point swept N, N = 1,3-12,14 of 14)"
    )


def test_points_of_several_machines_are_told_with_their_place() -> None:
    points = [at(1.0, 2.0), at(1.0, 2.0), at(1.0, 2.0)]
    for point, host in zip(points, ("one", "two", "one"), strict=True):
        point.environment["host"] = host
    assert verdicts(sweep([2, 4, 8], points))[-1] == (
        "played on 2 machines, and exponents are of what grows within each:"
        " one: 2 CPUs of fake: 2, 8; two: 2 CPUs of fake: 4"
    )
    points[1].environment["host"] = "one"
    assert not any("machines" in line for line in verdicts(sweep([2, 4, 8], points)))


def test_many_points_have_a_range() -> None:
    values = list(range(1, 21))
    (line,) = verdicts(sweep(values, [at(1.0, 1.5 + value) for value in values]))
    assert line == "a:m is ahead at every train.batch: 2.50 to 21.50 times as fast as b:m"


@pytest.mark.parametrize("points", [[at(1.0), at(2.0)], [None, None]])
def test_where_nothing_was_timed_together_nobody_is_ahead(points: list[Summary | None]) -> None:
    assert not any("ahead" in line for line in verdicts(sweep([2, 4], points)))
