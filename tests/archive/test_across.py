"""The table across experiments, of records whose every figure is known beforehand."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, count
from pathlib import Path

import pytest
from conftest import STORED
from fake_records import A, B, C, header, played, steady, whole

from compare.archive.across import CrossTable, Played, across, tidy
from compare.archive.experiments import conflict, names
from compare.archive.stored import stored_summary
from compare.archive.together import newest_across, read_together
from compare.errors import UserError
from compare.findings.summary import Summary, summarise
from compare.records.record_types import AnyRecord, Ended
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, parts_of_label

_numbers = count(1)
WINDOWS = 6


def run_of(
    seconds: Mapping[CellName, float], failed: Sequence[CellName] = (), spread: float = 0.001
) -> Summary:
    """A run of an experiment of its own; windows of each backend take about so many seconds."""
    own = {"fingerprint": f"{next(_numbers):064}", "machine": {"cpu": "fake", "cpus": 2}}
    records: list[AnyRecord] = [header(*seconds, *failed).model_copy(update=own)]
    for number, (cell, took) in enumerate(seconds.items()):
        drawn = [took * (1 + spread * math.sin(7 * i + 3 * number)) for i in range(WINDOWS)]
        records += whole(cell, steady(cell, drawn))
    records += [Ended(cell=c, round=1, status="failed", reason="out of memory") for c in failed]
    return summarise(records)


def table_of(*runs: Summary) -> CrossTable:
    return across([Played(run, {cell.label: "here" for cell in run.cells}) for run in runs])


def test_each_rate_is_held_against_the_fastest_of_its_row() -> None:
    table = table_of(run_of({A: 1.0, B: 2.0}), run_of({A: 4.0, B: 1.0}))
    found = [[row.cells[label].of_fastest for label in ("a:m", "b:m")] for row in table.rows]
    ratios = [[round(one.value, 2) for one in row if one] for row in found]
    assert ratios == [[1.0, 0.5], [0.25, 1.0]]
    assert all(cell.judged for row in table.rows for cell in row.cells.values())


def test_the_ratio_of_two_means_is_the_mean_of_their_ratios_whoever_is_fastest() -> None:
    took = ({A: 1.0, B: 2.0, C: 3.0}, {A: 4.0, B: 1.0, C: 2.0}, {A: 2.0, B: 2.5, C: 1.0})
    table = table_of(*map(run_of, took))
    for one, other in combinations((A, B, C), 2):
        expected = math.prod(seconds[other] / seconds[one] for seconds in took) ** (1 / 3)
        found = table.means[one.label] / table.means[other.label]
        assert found == pytest.approx(expected, rel=0.01)
    assert table.columns == sorted(table.columns, key=lambda label: -table.means[label])
    assert len(table.mean_rows) == 3


def test_the_lead_is_told_with_an_interval_of_what_was_measured() -> None:
    runs = [run_of({A: 1.0, B: 1.5}), run_of({A: 1.0, B: 2.0})]
    (lead,) = table_of(*runs).leads
    assert (lead.first, lead.second, lead.verdict) == ("a:m", "b:m", "faster")
    assert lead.ratio.value == pytest.approx(math.sqrt(3), rel=0.01)
    halves = [
        math.log(one.ratio.high / one.ratio.low) / 2
        for run in runs
        for one in run.comparisons
        if one.ratio.low and one.ratio.high
    ]
    assert lead.ratio.low
    assert lead.ratio.high
    half = math.log(lead.ratio.high / lead.ratio.low) / 2
    assert half == pytest.approx(math.hypot(*halves) / 2)


def test_backends_that_are_not_separated_lead_nobody() -> None:
    runs = [run_of({A: 1.0, B: 1.0001}, spread=0.1), run_of({A: 1.0001, B: 1.0}, spread=0.1)]
    table = table_of(*runs)
    assert [lead.verdict for lead in table.leads] == ["not separated"]
    tied = [[cell.tied for cell in row.cells.values()] for row in table.rows]
    assert [sorted(row) for row in tied] == [[False, True], [False, True]]


def test_the_mean_is_over_the_rows_that_all_of_the_compared_backends_have() -> None:
    table = table_of(
        run_of({A: 1.0, B: 2.0}),
        run_of({A: 1.0, B: 8.0}),
        run_of({A: 1.0}, failed=[B]),
        run_of({A: 1.0}),
        run_of({A: 0.01, B: 0.02}),  # windows too short to judge by
    )
    assert table.means["b:m"] == pytest.approx(0.25, rel=0.01)
    assert table.mean_rows == [row.experiment for row in table.rows[:2]]
    failed, missing, short = (row.cells["b:m"] for row in table.rows[2:])
    assert (failed.status, failed.why, failed.judged) == ("failed", "out of memory", False)
    assert (missing.status, missing.tokens_per_second, missing.run) == ("missing", None, "")
    assert (short.status, short.judged) == ("ok", False)
    assert "too short" in short.why
    assert short.of_fastest is not None  # it is shown, and does not count


def test_a_backend_in_too_few_rows_leaves_the_mean_to_the_others() -> None:
    table = table_of(
        run_of({A: 1.0, B: 2.0, C: 1.5}), run_of({A: 1.0, B: 2.0}), run_of({A: 1.0, B: 2.0})
    )
    assert set(table.means) == {"a:m", "b:m"}
    assert len(table.mean_rows) == 3
    assert table.columns[-1] == "c:m"


def test_one_row_has_no_mean() -> None:
    table = table_of(run_of({A: 1.0, B: 2.0}), run_of({A: 1.0}))
    assert (table.means, table.leads, table.mean_rows) == ({}, [], [])


def changed(summary: Summary, **settings: object) -> Summary:
    """The same with other settings of the `train` section."""
    train = summary.experiment["train"] | settings
    return summary.model_copy(update={"experiment": summary.experiment | {"train": train}})


def test_experiments_are_called_by_what_tells_them_apart() -> None:
    run = run_of({A: 1.0})
    data = run.experiment["data"] | {"source": "/home/somebody/corpora/captions.txt"}
    other_data = run.model_copy(update={"experiment": run.experiment | {"data": data}})
    assert names([run, other_data]) == ["lm tiny", "lm tiny (captions)"]
    assert names([run, changed(run, batch=7)]) == ["lm tiny, batch=4", "lm tiny, batch=7"]
    same = [run.model_copy(update={"fingerprint": digit * 64}) for digit in "ab"]
    assert names(same) == ["lm tiny, aaaaaaaa", "lm tiny, bbbbbbbb"]


def test_runs_of_another_place_are_told_from_each_other() -> None:
    run = run_of({A: 1.0})
    assert conflict(run, run) == ""
    threads = run.model_copy(update={"environment": run.environment | {"threads": 7}})
    assert conflict(run, threads) == f"threads: {run.environment['threads']} and 7"
    on_card = [cell.model_copy(update={"device": "cuda:0"}) for cell in run.cells]
    device = run.model_copy(update={"cells": on_card})
    assert conflict(run, device) == "device of a:m: cpu and cuda"


def test_other_versions_are_told() -> None:
    runs = [run_of({A: 1.0, B: 2.0}), run_of({A: 1.0, B: 2.0})]
    for run, version in zip(runs, ("1.0", "2.0"), strict=True):
        run.cells[0].versions = {"fast": version}
    (note,) = table_of(*runs).notes
    assert note.startswith("a:m is not the same in lm tiny, ")
    assert note.endswith("fast 1.0 -> 2.0")


def test_a_folder_s_table_is_of_the_newest_of_each_experiment_in_one_place(tmp_path: Path) -> None:
    table = newest_across(STORED)
    folders = {cell.run for row in table.rows for cell in row.cells.values() if cell.run}
    assert {Path(folder).name for folder in folders} == {
        "lm-gpt-shakespeare", "lm-small", "sentiment-reviews", "translation-captions-torch",
    }  # fmt: skip
    ranks, elsewhere, earlier = (note for note in table.notes if "left out" in note)
    assert ranks.endswith("lm-ranks' is left out, played elsewhere: 1 thread of AMD EPYC, 2 CPUs")
    assert elsewhere == "2 runs are left out, played elsewhere: 1 thread of AMD EPYC, 1 CPU"
    assert earlier.startswith("1 earlier run is left out: compare history ")
    with pytest.raises(UserError, match="has no run that can be read"):
        newest_across(tmp_path)


def test_every_run_of_a_table_is_of_one_place_those_of_one_row_too(tmp_path: Path) -> None:
    runs = [tmp_path / name for name in ("here", "there", "other")]
    played(runs[0], 1, "1.0", 1.0)
    played(runs[1], 2, "1.0", 1.0, cell=B, machine={"cpu": "fake", "cpus": 4})
    played(runs[2], 3, "1.0", 1.0, fingerprint="0" * 64)
    with pytest.raises(UserError) as error:
        read_together(runs)
    assert str(error.value) == (
        f"not in one table with '{runs[0]}', being of another place: '{runs[1]}' (cpus: 2 and 4)"
    )
    assert isinstance(read_together(runs[:2]).summary, Summary)  # one report tells it as a note


def test_the_figures_are_those_of_the_runs_own_reports() -> None:
    summaries = [
        stored_summary(RunFolder(STORED / name)) for name in ("lm-small", "lm-gpt-shakespeare")
    ]
    table = table_of(*summaries)
    for row, summary in zip(table.rows, summaries, strict=True):
        for cell in summary.cells:
            found = row.cells[cell.label]
            assert found.tokens_per_second == cell.tokens_per_second
            assert found.of_fastest == cell.ratio_to_fastest
            assert found.peak_memory_bytes == cell.peak_memory_bytes
            assert found.quality is not None
            assert found.quality.value == cell.perplexity


@pytest.mark.parametrize(
    "cell",
    [
        CellName(backend="torch", mode="eager"),
        CellName(backend="jax@old", mode="jit", ranks=12),
        CellName(backend="xla", mode="x2"),
        CellName(backend="an x-ray", mode="m"),
    ],
)
def test_a_label_has_its_backend_mode_and_ranks(cell: CellName) -> None:
    assert parts_of_label(cell.label) == (cell.backend, cell.mode, cell.ranks)


def test_plain_rows_name_backend_mode_and_ranks_apart() -> None:
    table = read_together([STORED / name for name in PAIR])[0]
    assert isinstance(table, CrossTable)
    rows = tidy(table)
    assert {(row["backend"], row["mode"], row["ranks"]) for row in rows} >= {
        ("torch", "eager", 1),
        ("jax", "jit", 1),
    }


PAIR = ("lm-small", "lm-gpt-shakespeare")
