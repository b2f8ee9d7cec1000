"""Sweeps as a user runs them: a run at each crossing, and one report of all."""

import csv
import json
from pathlib import Path

import pytest
from conftest import Compare, document

TINY = ("--task", "lm", "--preset", "tiny", "--backend", "reference", "--steps", "20")


def test_fields_are_crossed_and_costs_fitted(compare: Compare, tmp_path: Path) -> None:
    swept = ("--sweep", "train.batch=4,8", "--sweep", "model.hidden=16,64")
    found = document(compare(*TINY, *swept, "--json"))
    assert [point["values"] for point in found["points"]] == [
        {"train.batch": batch, "model.hidden": hidden} for batch in (4, 8) for hidden in (16, 64)
    ]
    for point in found["points"]:
        trained = point["summary"]["experiment"]
        assert trained["train"]["batch"] == point["values"]["train.batch"]
        assert trained["model"]["layers"][1]["hidden"] == point["values"]["model.hidden"]
    fitted = {(one["field"], one["quantity"]) for one in found["scaling"]}
    assert ("model.hidden", "step_seconds") in fitted
    assert ("train.batch", "peak_memory_bytes") in fitted
    (folder,) = (tmp_path / "results").iterdir()
    points = {path.name for path in folder.iterdir() if path.is_dir()}
    assert points == {f"batch={b},hidden={h}" for b in (4, 8) for h in (16, 64)}
    rows = list(csv.DictReader((folder / "summary.csv").open()))
    assert {(r["train.batch"], r["model.hidden"]) for r in rows} == {
        (str(b), str(h)) for b in (4, 8) for h in (16, 64)
    }
    assert "## How cost grows with size" in (folder / "report.md").read_text()


def test_threads_can_be_swept_and_what_was_at_work_is_shown(compare: Compare) -> None:
    finished = compare(*TINY, "--sweep", "run.threads=1,2")
    assert finished.returncode == 0
    assert "busy threads" in finished.stdout
    assert "run.threads" in finished.stdout
    rows = [line.split()[0] for line in finished.stdout.splitlines() if "reference:numpy" in line]
    assert rows[:2] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model.hiden=16,32", "unknown field 'hiden' in section model: did you mean hidden?"),
        ("hidden=16", "--set takes SECTION.FIELD=VALUE"),
        ("model.hidden", "--sweep takes SECTION.FIELD=VALUE,VALUE, not 'model.hidden'"),
        ("model.hidden=16,0", "model.hidden: input should be greater than 0, not 0"),
        (
            "train.batch=4,100000",
            "the validation split has 100,000 tokens, too short for one batch",
        ),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_anything_is_written(
    compare: Compare, tmp_path: Path, text: str, message: str
) -> None:
    finished = compare(*TINY, "--sweep", text)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


def test_an_interrupted_sweep_goes_on_where_it_stopped(compare: Compare, tmp_path: Path) -> None:
    whole = document(compare(*TINY, "--sweep", "train.batch=4,8", "--json"))
    (folder,) = (tmp_path / "results").iterdir()
    first = (folder / "batch=4" / "records.jsonl").read_bytes()
    records = (folder / "batch=8" / "records.jsonl").read_text().splitlines()
    cut = "\n".join(line for line in records if json.loads(line)["kind"] != "ended")
    (folder / "batch=8" / "records.jsonl").write_text(cut + '\n{"kind":"win')
    finished = compare("resume", str(folder), "--json")
    assert finished.returncode == 0, finished.stderr
    assert (folder / "batch=4" / "records.jsonl").read_bytes() == first
    again = [point["summary"]["cells"][0] for point in document(finished)["points"]]
    before = [point["summary"]["cells"][0] for point in whole["points"]]
    assert [cell["status"] for cell in again] == ["ok", "ok"]
    assert [cell["losses"] for cell in again] == [cell["losses"] for cell in before]
