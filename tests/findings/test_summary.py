"""Summaries of records on a fake clock: every figure is known beforehand."""

import csv
from datetime import UTC, datetime
from math import prod

import pytest
from conftest import STORED
from fake_records import A, B, C, header, row, steady, told, whole, window

from compare.findings.summary import summarise
from compare.records.record_types import (
    AnyRecord,
    Ended,
    Evaluated,
    KeptRound,
    Opened,
    Probed,
    Resumed,
    SpeedCheck,
)
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, Request


def test_throughput_is_exact_to_the_token() -> None:
    windows = [
        window(A, "first", 0, 999, 9.0),
        window(A, "warmup", 0, 999, 0.001),
        window(A, "steady", 0, 1234, 2.5),
        window(A, "beyond", 1, 1111, 0.5),
    ]
    found = row(summarise([header(), *whole(A, windows)]), A)
    assert found.tokens_per_second is not None
    assert found.tokens_per_second.value == pytest.approx((1234 / 2.5 * 1111 / 0.5) ** 0.5)
    assert found.total_tokens_per_second == (1234 + 1111) / 3.0
    assert found.step_seconds == pytest.approx((1234 + 1111) / 2 / found.tokens_per_second.value)
    assert len(found.losses) == 3  # what lies beyond the training is none of its curve
    assert found.timed_windows == 2


def test_phases_are_apart() -> None:
    windows = [
        window(A, "first", 0, 1, 5.0, timed_steps=1, lead_seconds=0.0),
        window(A, "warmup", 0, 1, 1.0, lead_seconds=0.0),
        window(A, "steady", 0, 100, 1.0),
        window(A, "steady", 1, 100, 1.0),
    ]
    found = row(summarise([header(), *whole(A, windows)]), A).phases
    assert found == pytest.approx({
        "import": 1.5, "build": 0.5, "compile": 4.0, "warmup": 2.0, "steady": 2.5,
        "evaluation": 0.125,
    })  # fmt: skip
    trained = sum(w.lead_seconds + w.seconds for w in windows)
    assert sum(found.values()) == pytest.approx(1.5 + 0.5 + trained + 0.125)  # no second is lost


def test_the_time_to_a_target_is_that_of_the_training_before_it() -> None:
    windows = [
        window(A, "first", 0, 1, 5.0, lead_seconds=0.0),
        window(A, "steady", 1, 100, 1.0),
        window(A, "steady", 2, 100, 1.0),
        window(A, "beyond", 3, 100, 7.0),
    ]
    opened, built, *rest = whole(A, windows)
    look = Evaluated(cell=A, round=1, step=2, loss=1.5, tokens=7, seconds=9.0)
    for target, seconds in (("loss=1.5", 6.25), ("loss=1.0", 7.5), ("loss=0.5", None)):
        records = [header(target=target), opened, built, look, *rest]
        assert row(summarise(records), A).seconds_to_target == seconds


def test_a_machine_that_costs_nothing_costs_nothing_per_token() -> None:
    windows = steady(A, [1.0, 1.0])
    free = summarise([header(price_per_hour=0.0), *whole(A, windows)])
    assert row(free, A).cost_per_million_tokens == 0.0
    assert row(summarise([header(), *whole(A, windows)]), A).cost_per_million_tokens is None


def test_what_was_metered_is_summed_over_the_timed_windows() -> None:
    metered = {
        "cpu_seconds": 3.0, "busy_threads": 2, "steal_seconds": 0.1, "involuntary_switches": 8,
        "harness_seconds": 0.01, "joules": 50.0, "mhz": 3000.0,
    }  # fmt: skip
    windows = [
        window(A, "warmup", 0, 1, 1.0, peak_bytes=9000, **metered),
        *steady(A, [2.0, 2.0], **metered),
    ]
    summary = summarise([header(price_per_hour=3.6), *whole(A, windows)])
    found = row(summary, A)
    assert found.cores_used == 1.5
    assert found.busy_threads == 2
    assert found.steal_share == pytest.approx(0.05)
    assert found.involuntary_switches_per_second == 4.0
    assert found.harness_share == pytest.approx(0.005)
    assert found.joules_per_step == 50.0
    assert found.cost_per_million_tokens == pytest.approx(0.001 / 50 * 1e6)
    assert (found.peak_memory_bytes, found.process_peak_memory_bytes) == (1000, 5000)
    assert any("hypervisor withheld up to 0.05 CPUs" in note for note in told(summary))


def test_the_share_of_the_roofline_is_the_least_time_over_the_time_it_took() -> None:
    probed = Probed(flops_per_second=1e9, bytes_per_second=1e9)
    summary = summarise([header(), probed, *whole(A, steady(A, [1.0, 1.0]))])
    assert summary.roofline_seconds is not None
    assert row(summary, A).roofline_share == pytest.approx(summary.roofline_seconds)
    assert row(summary, A).flops_per_second == pytest.approx(summary.flops_per_step)


def test_what_cpus_can_do_is_no_roof_of_a_gpu() -> None:
    probed = Probed(flops_per_second=1e9, bytes_per_second=1e9)
    played = whole(A, steady(A, [1.0, 1.0]))
    on_gpu = [r.model_copy(update={"device": "cuda:0"}) if r.kind == "built" else r for r in played]
    summary = summarise([header(), probed, *on_gpu])
    assert summary.roofline_seconds is None
    assert row(summary, A).roofline_share is None


def test_ratios_are_to_the_fastest_and_to_itself() -> None:
    control = A.its_control()
    records = [
        header(),
        *whole(A, steady(A, [1.0, 2.0, 1.0, 2.0, 1.0])),
        *whole(B, steady(B, [2.0, 4.1, 2.0, 4.0, 2.0])),
        *whole(control, steady(control, [1.1, 2.2, 1.1, 2.2, 1.1])),
    ]
    summary = summarise(records)
    fastest, slower = row(summary, A), row(summary, B)
    assert fastest.ratio_to_fastest is not None
    assert fastest.ratio_to_fastest.value == 1.0
    assert fastest.ratio_to_itself is not None
    assert fastest.ratio_to_itself.value == pytest.approx(1.1)
    assert slower.ratio_to_fastest is not None
    assert slower.ratio_to_fastest.value == pytest.approx(0.5, rel=0.01)
    (only,) = summary.comparisons
    assert (only.first, only.verdict, only.noise) == ("a:m", "faster", pytest.approx(0.1))


def test_a_control_that_failed_is_told() -> None:
    failed = Ended(cell=A.its_control(), round=1, status="failed", reason="out of memory")
    summary = summarise([header(A), *whole(A, steady(A, [1.0, 1.0])), failed])
    assert row(summary, A).ratio_to_itself is None
    (note,) = [note for note in told(summary) if "(control) failed" in note]
    assert note.endswith("out of memory")


@pytest.mark.parametrize(
    ("seconds", "cells", "wanted"),
    [
        ([1.0, 1.1] * 5, (A, B), "the precision of 2% was not reached: it is 3.66%"),
        ([1.0, 1.1] * 5, (A,), "the precision of 2% was not reached: it is 3.66%"),
        ([1.0], (A, B), "not every pair has an interval"),
        ([1.0, 1.001] * 8, (A, B), None),
        ([1.0, 1.001] * 5, (A,), None),
    ],
)
def test_a_precision_that_was_not_reached_is_told(
    seconds: list[float], cells: tuple[CellName, ...], wanted: str | None
) -> None:
    records: list[AnyRecord] = [header(*cells, precision=0.02)]
    for number, pace in enumerate(seconds, 1):  # a round each
        records += whole(A, steady(A, [pace], round=number), number)
        if B in cells:
            records += whole(B, steady(B, [1.0], round=number), number)
    notes = [note for note in told(summarise(records)) if "precision" in note.split(" was ")[0]]
    assert [wanted in note for note in notes] == [True] if wanted else notes == []


def test_noise_is_told_and_counted() -> None:
    seconds = [1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01, 3.0, 1.0]
    checks = [SpeedCheck(round=1, seconds=value) for value in (0.050, 0.060)]
    summary = summarise([header(precision=0.02), *checks, *whole(A, steady(A, seconds))])
    found = row(summary, A)
    assert found.noisy_windows == [8]
    assert found.tokens_per_second is not None
    assert found.tokens_per_second.value == pytest.approx(100 / prod(seconds) ** 0.1)
    assert found.total_tokens_per_second == pytest.approx(1000 / sum(seconds))
    assert any("widen intervals: 1 of a:m" in note for note in told(summary))
    assert any("speed was not constant" in note for note in told(summary))


def test_a_cell_that_speeds_up_is_not_steady() -> None:
    seconds = [1.5, 1.45, 1.4, 1.35, 1.3, 1.25, 1.2, 1.15, 1.1, 1.05, 1.0, 0.95]
    summary = summarise([header(), *whole(A, steady(A, seconds))])
    assert row(summary, A).steady is False
    assert any("a:m: not in a steady state" in note for note in told(summary))
    assert any(
        "short" in note for note in told(summarise([header(), *whole(A, steady(A, [0.05]))]))
    )


def test_of_a_resumed_run_what_was_not_kept_is_gone() -> None:
    kept = [KeptRound(cell=A, round=1)]
    resumed = Resumed(
        started=datetime.now(UTC), command=["compare", "resume"], machine={"cpu": "other"},
        environment={}, kept=kept,
    )  # fmt: skip
    broken = Ended(cell=B, round=1, status="interrupted")
    summary = summarise(
        [
            header(), *whole(A, steady(A, [1.0, 1.0])), *steady(B, [9.0]), broken, resumed,
            *whole(B, steady(B, [2.0, 2.0], round=2), number=2),
        ]
    )  # fmt: skip
    assert [one.status for one in summary.cells] == ["ok", "ok"]
    assert row(summary, B).step_seconds == pytest.approx(2.0)
    assert summary.comparisons == []
    assert any("played at different times: a:m and b:m" in note for note in told(summary))


def test_those_that_were_played_together_are_compared_though_another_was_not() -> None:
    resumed = Resumed(
        started=datetime.now(UTC), command=["compare", "resume"], machine={}, environment={},
        kept=[KeptRound(cell=A, round=1), KeptRound(cell=B, round=1)],
    )  # fmt: skip
    summary = summarise(
        [
            header(A, B, C), *whole(A, steady(A, [2.0, 2.1])), *whole(B, steady(B, [1.0, 1.0])),
            Ended(cell=C, round=1, status="failed"), resumed,
            *whole(C, steady(C, [3.0, 3.0], round=2), number=2),
        ]
    )  # fmt: skip
    ratios = [row(summary, cell).ratio_to_fastest for cell in (A, B, C)]
    assert ratios[0] is not None
    assert ratios[0].value == pytest.approx(1 / (2.0 * 2.1) ** 0.5)
    assert ratios[1] is not None
    assert ratios[1].value == 1.0
    assert ratios[2] is None
    (note,) = [note for note in told(summary) if "different times" in note]
    assert note.endswith("a:m and c:m, b:m and c:m; play them in one run")


def test_a_round_that_was_cut_off_is_told_and_what_was_timed_counts() -> None:
    cut = [
        Opened(cell=A, round=2, seconds=1.5, memory_bytes=400, versions={}, devices=[]),
        window(A, "first", 0, 1, 5.0, round=2),
        window(A, "steady", 0, 100, 4.0, round=2),
    ]
    records = [header(A), *whole(A, steady(A, [1.0, 1.0])), *cut]
    ended = Ended(cell=A, round=2, status="interrupted")
    found = row(summarise([*records, ended]), A)
    assert found.status == "interrupted"
    assert (len(found.losses), found.validation_loss) == (2, 1.0)  # of the round that is whole
    assert found.tokens_per_second is not None
    assert found.tokens_per_second.value == pytest.approx((100 * 100 * 25) ** (1 / 3))
    assert found.total_tokens_per_second == 300 / 6.0
    alone = row(summarise([header(A), *cut]), A)
    assert (alone.status, alone.reason) == ("interrupted", "the run was cut off")


@pytest.mark.parametrize(
    "folder", ["lm-gpt-shakespeare", "translation-captions", "sentiment-reviews", "lm-long"]
)
def test_records_of_the_version_before_are_read(folder: str) -> None:
    """Their rates and losses are those that their own reports show."""
    path = STORED / folder
    summary = summarise(RunFolder(path).records())
    reported = list(csv.DictReader((path / "summary.csv").open()))
    assert [cell.backend for cell in summary.cells] == [line["backend"] for line in reported]
    for cell, line in zip(summary.cells, reported, strict=True):
        assert cell.status == line["status"]
        assert cell.losses[-1] == float(line["final_training_loss"])
        assert cell.validation_loss == float(line["validation_loss"])
        column = (
            "total_tokens_per_second" if "total_tokens_per_second" in line else "tokens_per_second"
        )
        assert cell.total_tokens_per_second == pytest.approx(float(line[column]))


def test_what_processes_of_a_worker_held_is_in_its_peak() -> None:
    windows = [
        window(A, "steady", 0, 100, 1.0, peak_bytes=1000),
        window(A, "steady", 1, 100, 1.0, peak_bytes=700, children_peak_bytes=500),
    ]
    found = row(summarise([header(A), *whole(A, windows)]), A)
    assert (found.peak_memory_bytes, found.children_peak_memory_bytes) == (1200, 500)


def test_two_rounds_are_judged_by_windows_and_the_report_says_so() -> None:
    records: list[AnyRecord] = [header()]
    for number in (1, 2):
        for cell, pace in ((A, 1.0), (B, 1.5)):
            seconds = [pace * (1 + i / 100) for i in range(5)]
            records += whole(cell, steady(cell, seconds, round=number), number)
    summary = summarise(records)
    (only,) = summary.comparisons
    assert (only.verdict, only.unit, only.pairs) == ("faster", "window", 10)
    assert any("2 rounds are too few" in note and "by 2%" in note for note in told(summary))


def test_a_stalled_window_is_named_with_what_it_was_worth() -> None:
    records = [
        header(),
        *whole(A, steady(A, [1.0, 1.01, 0.99, 1.0, 13.7, 1.0, 1.01])),
        *whole(B, steady(B, [1.02, 1.03, 1.01, 1.02, 1.02, 1.02, 1.03])),
    ]
    summary = summarise(records)
    (note,) = [note for note in told(summary) if "13.7 s" in note]
    assert note == (
        "a:m: one window of 13.7 s, 13.7 times the others of that cell: without it a:m would be"
        " 1.02 times as fast as b:m, not 0.70"
    )


def test_a_setting_that_had_no_say_is_told() -> None:
    """Of what was asked for; a preset's own is nobody's mistake."""
    asked = Request(
        task="lm", preset="tiny", backends=[], pythons={},
        overrides=[{"optimizer": {"decay_factor": 0.5}}, {"train": {"steps": 3}}],
    )  # fmt: skip
    played = whole(A, steady(A, [1.0, 1.0]))
    (said,) = [t for t in told(summarise([header().model_copy(update={"request": asked}), *played]))
               if "no say" in t]  # fmt: skip
    assert said.startswith("optimizer.decay_factor had no say: it is of the schedule step")
    assert not any("no say" in t for t in told(summarise([header(), *played])))


def test_a_warm_up_that_is_longer_than_the_training_is_told() -> None:
    first = header()
    rule = first.experiment.optimizer.model_copy(update={"warmup_steps": 5_000})
    longer = first.experiment.model_copy(update={"optimizer": rule})
    records = [first.model_copy(update={"experiment": longer}), *whole(A, steady(A, [1.0]))]
    assert any(
        "rises over 5,000 steps, and training ends after" in t for t in told(summarise(records))
    )
