"""Windows in which others took the CPUs: told, left out where enough others are, or not judged."""

from typing import Any

import pytest
from compare.report.table import result_table
from compare.report.words import first_sentences, trust, verdicts
from fake_records import A, B, C, header, row, steady, told, whole

from compare.findings.contention import clean, is_contended
from compare.findings.summary import Summary, summarise
from compare.records.record_types import AnyRecord, Ended, Window
from compare.records.values import BusyProcess


def busy(window: Window, cpus: float, **more: Any) -> Window:
    return window.model_copy(update={"others_cpu_seconds": cpus * window.seconds, **more})


def played(cpus: dict[int, float], count: int = 24, slow: float = 1.0, **run: Any) -> Summary:
    """Two cells, the first one faster; at some places others used `cpus`, which made the first
    `slow` times slower there."""
    found: list[AnyRecord] = [header(**{"threads": 2, **run})]
    for cell, pace in ((A, 1.0), (B, 1.2)):
        windows = []
        for index, one in enumerate(steady(cell, [pace * (1 + i % 5 / 100) for i in range(count)])):
            hurt = slow if index in cpus and cell == A else 1.0
            longer = one.model_copy(update={"seconds": one.seconds * hurt})
            windows.append(busy(longer, cpus.get(index, 0.03)))
        found += whole(cell, windows)
    return summarise(found)


def test_one_busy_process_is_contention_and_a_quiet_machine_s_own_work_is_not() -> None:
    (window,) = steady(A, [2.0])
    assert not is_contended(window)  # nobody looked
    assert not is_contended(busy(window, 0.05))
    assert is_contended(busy(window, 1.0))
    assert is_contended(window.model_copy(update={"steal_seconds": 0.5}))
    assert not is_contended(busy(window, 0.3, conductor_cpu_seconds=0.6))  # the suite's own


def test_workers_of_the_run_itself_that_should_rest_are_no_others() -> None:
    (window,) = steady(A, [2.0])
    assert not is_contended(busy(window, 0.3, resting_cpu_seconds={"b:m": 0.6}))


def test_one_that_failed_has_no_say_in_which_windows_count() -> None:
    records: list[AnyRecord] = [header(A, B, C)]
    for cell, pace in ((A, 1.0), (B, 1.2)):
        mine = steady(cell, [pace * (1 + i % 5 / 100) for i in range(30)])
        records += whole(cell, [busy(w, 1.0 if w.index < 8 else 0.03) for w in mine])
    records += [busy(w, 1.0 if w.index < 2 else 0.03) for w in steady(C, [1.0] * 3)]
    records.append(Ended(cell=C, round=1, status="failed", reason="it crashed"))
    summary = summarise(records)
    assert [one.verdict for one in summary.comparisons] == ["faster"]
    assert row(summary, A).contended_windows == list(range(8))


def test_a_machine_that_was_not_the_run_s_own_is_not_judged() -> None:
    summary = played(dict.fromkeys(range(24), 1.0), slow=0.2)
    (only,) = summary.comparisons
    assert only.verdict == "not judged"
    assert only.why == "other processes used 1 CPU in 24 of 24 windows"
    assert verdicts(summary) == [f"not judged: {only.why}"]
    assert trust(summary) == ""
    gravest = summary.notes[0]
    assert (gravest.grade, gravest.cells) == ("breaks", ["a:m", "b:m"])  # one cause, one line
    assert "--threads 1" in gravest.remedy
    assert "precision" not in gravest.remedy
    assert f"note: {gravest}" in first_sentences(summary)
    texts = result_table(summary).rows[0]
    assert sum(text.endswith(" ?") for text in texts) == 3  # rate, ratio, step


def test_of_windows_that_are_too_short_nobody_tells_what_others_took() -> None:
    """It is counted in ticks of 10 ms, of which one is all of such a window."""
    records: list[AnyRecord] = [header()]
    for cell in (A, B):
        short = steady(cell, [0.002 + i / 1e5 for i in range(20)], others_cpu_seconds=0.01)
        records += whole(cell, short)
    summary = summarise(records)
    assert "windows of 2" in summary.comparisons[0].why
    assert not any("other processes" in note.text for note in summary.notes)


def test_contended_windows_beyond_need_are_kept_marked_and_do_not_count() -> None:
    summary = played(dict.fromkeys(range(0, 24, 3), 1.0), slow=40.0)
    (only,) = summary.comparisons
    assert (only.first, only.verdict, only.pairs) == ("a:m", "faster", 16)
    assert only.ratio.value == pytest.approx(1.2)
    assert row(summary, A).contended_windows == list(range(0, 24, 3))
    assert len(row(summary, A).window_step_seconds) == 24
    (note,) = [note for note in told(summary) if "something else ran" in note]
    assert "do not count: 8 of a:m, 8 of b:m" in note
    assert trust(summary).startswith("16 paired windows of one process each, the pair to ")
    assert trust(summary).endswith("%, 16 of 48 windows disturbed")


def test_what_is_left_has_to_be_enough() -> None:
    half = played(dict.fromkeys(range(14), 1.0))
    assert half.comparisons[0].verdict == "not judged"  # ten pairs are left, of 24
    few = played({0: 1.0}, count=6)
    assert few.comparisons[0].verdict == "faster"  # one of six is what an interval is for
    assert few.comparisons[0].pairs == 6
    two = played({0: 1.0, 3: 1.0}, count=6)
    assert two.comparisons[0].verdict == "not judged"


def test_which_windows_count_is_never_told_by_how_fast_they_were() -> None:
    at = dict.fromkeys(range(0, 24, 3), 1.0)
    timings = [
        clean({A: [busy(w, at.get(i, 0.0)) for i, w in enumerate(steady(A, seconds))]}).timings[A]
        for seconds in ([1.0] * 24, [9.0 if i in at else 1.0 for i in range(24)])
    ]
    assert timings[0] == timings[1]


def test_rounds_that_are_the_unit_are_not_left_out_until_they_are_none() -> None:
    windows = [
        busy(w, 1.0 if number > 4 else 0.0)
        for number in range(1, 7)
        for w in steady(A, [1.0] * 5, round=number)
    ]
    assert not clean({A: windows}).left_out


@pytest.mark.parametrize(
    ("seconds", "count", "why"),
    [(0.002, 20, "windows of 2.02 ms are too short"), (1.0, 3, "3 pairs of windows are too few")],
)
def test_short_windows_and_few_are_not_judged(seconds: float, count: int, why: str) -> None:
    records: list[AnyRecord] = [header()]
    for cell, pace in ((A, 1.0), (B, 18.0)):
        records += whole(cell, steady(cell, [seconds * pace * (1 + i / 1e3) for i in range(count)]))
    summary = summarise(records)
    (only,) = summary.comparisons
    assert only.verdict == "not judged"
    assert only.why.startswith(why)
    assert not any("times as fast" in line for line in verdicts(summary))
    short = seconds < 1
    assert ("for seeing that it works" in only.why) == short  # the preset of these is tiny
    asked = summarise([header(precision=0.02), *records[1:]])
    assert "--steps" not in asked.notes[0].remedy
    assert "--steps" in summary.notes[0].remedy


def test_processes_of_one_name_are_told_once_and_the_busiest_alone() -> None:
    seen = [
        ("python", 0.4),
        ("chromium", 0.3),
        ("python", 0.5),
        *((f"p{i}", 0.1) for i in range(9)),
    ]
    there = [BusyProcess(name=name, cpus=cpus, is_worker=False) for name, cpus in seen]
    windows = [busy(window, 1.0) for window in steady(A, [1.0] * 12)]
    others = [busy(window, 1.0) for window in steady(B, [1.0] * 12)]
    begun = header(threads=2).model_copy(update={"busy": there})
    note = summarise([begun, *whole(A, windows), *whole(B, others)]).notes[0].text
    assert "(before the first window: python used 0.9, chromium used 0.3, p0 used 0.1" in note
    assert note.count("used 0.1") == 3
