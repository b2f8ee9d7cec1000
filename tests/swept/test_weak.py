"""Weak scaling: rates of points whose batch grows with the ranks."""

import json
from pathlib import Path

import pytest
from compare.report.html import efficiency
from compare.report.weak_scaling import sentences
from conftest import Compare
from fake_records import A, B, header, steady, whole

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.findings.summary import Summary, summarise
from compare.records.record_types import AnyRecord
from compare.records.values import CellName
from compare.swept.weak import weak_scalings

TWO = A.model_copy(update={"ranks": 2})


def run(host: str = "here", **seconds: float) -> Summary:
    """A run whose windows of so many tokens take so long."""
    cells: dict[str, CellName] = {"a": A, "b": B, "two": TWO}
    found = header(*(cells[name] for name in seconds))
    records: list[AnyRecord] = [
        found.model_copy(update={"machine": {**found.machine, "host": host}})
    ]
    for name, took in seconds.items():
        drawn = [took * (1 + 1e-3 * (i % 3 - 1)) for i in range(6)]
        records += whole(cells[name], steady(cells[name], drawn))
    return summarise(records)


def test_efficiency_is_of_the_batches_of_each_and_its_interval_of_both() -> None:
    (found,) = weak_scalings([([1], run(a=1.0, b=1.0)), ([1, 2], run(a=1.9, b=2.0, two=0.625))])
    assert (found.label, found.ranks) == ("a:m x2", 2)
    assert found.efficiency.value == pytest.approx(0.8, abs=1e-3)  # 1.6 times, of 2
    assert found.efficiency.low is not None
    assert found.efficiency.high is not None
    assert found.efficiency.low < found.efficiency.value < found.efficiency.high


def test_nothing_is_said_across_machines_nor_without_one_process() -> None:
    two = ([1, 2], run("there", a=1.9, two=0.6))
    assert weak_scalings([([1], run(a=1.0)), two]) == []
    assert weak_scalings([two]) == []


def test_what_trained_something_else_has_no_efficiency() -> None:
    found = run(a=1.9, two=0.625)
    cells = [c.model_copy(update={"status": "parity_failed"}) if c.ranks == 2 else c
             for c in found.cells]  # fmt: skip
    failed = found.model_copy(update={"cells": cells})
    assert weak_scalings([([1], run(a=1.0)), ([1, 2], failed)]) == []


def test_the_sweep_says_it_and_draws_it() -> None:
    points = {8: ([1], run(a=1.0)), 16: ([1, 2], run(a=1.9, two=0.625))}
    swept = [
        SweptPoint(name=f"batch={n}", values={"train.batch": n}, ranks=ranks, summary=summary)
        for n, (ranks, summary) in points.items()
    ]
    sweep = SweepSummary(
        run_id="s", command=["compare"], axes={"train.batch": [8, 16]}, points=swept, scaling=[],
        weak=weak_scalings(points.values()),
    )  # fmt: skip
    (said,) = sentences(sweep)
    assert said.startswith("Weak scaling, batches of 8, 16: a:m x2 does 0.800 (")
    assert "of 2 times what one process does with its own batch" in said
    drawn = efficiency.weak(sweep)
    assert drawn is not None
    assert drawn.alt.startswith("Efficiency: a:m x2 0.800 (")
    assert "Each process has a batch of its own (weak scaling)." in drawn.caption


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--scaling", "weak"], "holds several ranks against one process: --ranks 1,2"),
        (["--scaling", "weak", "--ranks", "2"], "--ranks 1,2"),
        (["--scaling", "week"], "did you mean weak?"),
        (["--scaling", "weak", "--ranks", "1,2", "--sweep", "train.seed=1,2"], "leave --sweep out"),
    ],
)
def test_what_has_nothing_to_scale_is_refused(
    compare: Compare, asked: list[str], told: str
) -> None:
    finished = compare("--task", "lm", "--preset", "tiny", "--backend", "reference", *asked)
    assert (finished.returncode, finished.stderr.count("\n")) == (2, 1)
    assert told in finished.stderr


@pytest.mark.slow
def test_each_rank_has_a_batch_of_its_own_and_the_gate_holds_at_each_point(
    all_cpus: None, compare: Compare, tmp_path: Path
) -> None:
    finished = compare(
        "--task", "translation", "--preset", "tiny", "--backend", "reference", "--ranks", "1,2",
        "--scaling", "weak", "--steps", "20", "--threads", "1", "--json", "--quiet",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    one, two = found["points"]
    assert [cell["ranks"] for cell in one["summary"]["cells"]] == [1]
    assert [cell["ranks"] for cell in two["summary"]["cells"]] == [1, 2]
    batches = [point["summary"]["experiment"]["train"]["batch"] for point in (one, two)]
    assert batches[1] == 2 * batches[0]
    held = two["summary"]["cells"][1]
    assert (held["status"], held["loss_difference_share"] <= 1) == ("ok", True)
    (weak,) = found["weak"]
    rates = [
        next(c for c in point["summary"]["cells"] if c["ranks"] == ranks)["tokens_per_second"]
        for point, ranks in ((one, 1), (two, 2))
    ]
    assert weak["efficiency"]["value"] == pytest.approx(
        rates[1]["value"] / rates[0]["value"] / 2, rel=1e-9
    )
    (folder,) = (tmp_path / "results").iterdir()
    resumed = compare("resume", str(folder), "--quiet")
    assert resumed.returncode == 0, resumed.stderr
    assert "Weak scaling, batches of" in resumed.stdout
