"""Runs that are one: each counts once, and no kind of record is lost on the way."""

from test_summary import A, B, header, steady, whole

from compare.findings.summary import summarise
from compare.records.merging import merged
from compare.records.record_types import AnyRecord, Multiplied, Window


def run(name: str, windows: int = 12) -> list[AnyRecord]:
    found: list[AnyRecord] = [header().model_copy(update={"run_id": name})]
    for cell, pace in ((A, 1.0), (B, 1.1)):
        found += whole(cell, steady(cell, [pace * (1 + i % 4 / 50) for i in range(windows)]))
    return [*found, Multiplied(cell=A, round=1, flops_per_second=1e9)]


def test_a_run_that_is_given_four_times_tells_no_more_than_once() -> None:
    (once,) = summarise(merged([run("one")])).comparisons
    (often,) = summarise(merged([run("one")] * 4)).comparisons
    assert often == once
    (two,) = summarise(merged([run("one"), run("two"), run("one")])).comparisons
    assert two.pairs == 24


def test_of_two_copies_the_one_that_went_on_counts() -> None:
    records = merged([run("one", 6), run("one")])
    assert sum(isinstance(record, Window) for record in records) == 24


def test_what_a_framework_s_own_product_reached_is_kept() -> None:
    summary = summarise(merged([run("one"), run("two")]))
    assert summary.cells[0].product_flops_per_second == 1e9
