"""A run that is still being played: nothing of it is wrong, and nothing is final."""

from datetime import timedelta

import pytest
from fake_records import A, B, header, row, steady, whole, window

from compare.archive.interim import summary_so_far
from compare.records.record_types import AnyRecord, Ended, Evaluated


def so_far(*cells: list[AnyRecord], **run: object) -> list[AnyRecord]:
    kept = [record for own in cells for record in own]
    return [header(**run), *(r for r in kept if not isinstance(r, Ended | Evaluated))]


def test_rows_are_running_and_compared_so_far() -> None:
    records = so_far(whole(A, steady(A, [1.0, 1.01] * 4)), whole(B, steady(B, [2.0, 2.01] * 4)))
    records[0] = records[0].model_copy(update={"preset": "small"})
    started = records[0].started
    summary = summary_so_far(records, started + timedelta(seconds=90))
    assert [(cell.status, cell.reason) for cell in summary.cells] == [("running", "")] * 2
    (one,) = summary.comparisons
    assert (one.first, one.verdict, one.pairs) == ("a:m", "faster", 8)
    assert row(summary, B).ratio_to_fastest is not None
    assert summary.progress is not None
    assert (summary.progress.step, summary.progress.steps) == (8, 10)
    assert summary.progress.seconds == pytest.approx(90)
    assert summary.progress.budget_left_seconds is None


def test_what_went_wrong_already_is_told_and_holds_nobody_up() -> None:
    failed = Ended(cell=B, round=1, status="failed", reason="it died")
    records = [*so_far(whole(A, steady(A, [1.0] * 6)), [window(B, "first", 0, 1, 1.0)]), failed]
    summary = summary_so_far(records, records[0].started)
    assert [cell.status for cell in summary.cells] == ["running", "failed"]
    assert row(summary, B).reason == "it died"
    assert summary.progress is not None
    assert summary.progress.step == 6


def test_a_budget_is_counted_down_and_a_precision_not_missed_yet() -> None:
    records = so_far(whole(A, steady(A, [1.0, 1.3] * 4)), precision=0.001, budget=60.0)
    summary = summary_so_far(records, records[0].started + timedelta(seconds=45))
    assert summary.progress is not None
    assert summary.progress.budget_left_seconds == pytest.approx(15)
    assert not any("precision" in note.text for note in summary.notes)
    assert not any(note.remedy for note in summary.notes)
    late = summary_so_far(records, records[0].started + timedelta(seconds=99)).progress
    assert late is not None
    assert late.budget_left_seconds == 0


def test_before_the_first_window_there_is_a_page_too() -> None:
    records = [header()]
    summary = summary_so_far(records, records[0].started)
    assert [cell.status for cell in summary.cells] == ["running", "running"]
    assert summary.progress is not None
    assert summary.progress.step == 0
