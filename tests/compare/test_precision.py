"""How long a run measures: until it is precise or its budget is spent, whatever comes out."""

import json
from pathlib import Path

import pytest
from conftest import ADAPTERS, Compare, cell, document

TROUBLE = str(ADAPTERS / "trouble.py")
TINY = ("--task", "lm", "--preset", "tiny", "--steps", "20", "--json")


def windows(tmp_path: Path) -> list[dict[str, object]]:
    (path,) = tmp_path.glob("results/*/records.jsonl")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [record for record in records if record["kind"] == "window"]


def test_it_stops_where_intervals_are_narrow_enough(compare: Compare, tmp_path: Path) -> None:
    asked = ("--backend", f"reference,{TROUBLE}:none", "--precision", "60%", "--budget", "2m")
    found = document(compare(*TINY, *asked))
    (pair,) = found["comparisons"]
    assert pair["pairs"] == 10  # the least that a precision is told from
    assert (pair["ratio"]["high"] / pair["ratio"]["low"]) ** 0.5 < 1.6
    beyond = [w for w in windows(tmp_path) if w["role"] == "beyond"]
    assert len(beyond) == 20
    assert all(w["losses"] == [] for w in beyond)
    assert len(cell(found, "reference")["losses"]) == 20
    assert not any("was not reached" in note for note in found["notes"])


def test_it_stops_where_the_budget_is_spent_and_says_so(compare: Compare, tmp_path: Path) -> None:
    asked = ("--backend", f"reference,{TROUBLE}:none", "--precision", "0.001%", "--budget", "4s")
    found = document(compare(*TINY, *asked))
    assert [row["status"] for row in found["cells"]] == ["ok", "ok"]
    assert any("the precision of 0.0% was not reached" in note for note in found["notes"])
    assert {w["role"] for w in windows(tmp_path)} == {"first", "warmup", "beyond"}


def test_a_control_shows_a_backend_s_own_noise(compare: Compare, tmp_path: Path) -> None:
    asked = ("--backend", f"reference,{TROUBLE}:none", "--control", "--price-per-hour", "2.5")
    found = document(compare(*TINY, *asked))
    assert [row["backend"] for row in found["cells"]] == ["reference", "trouble"]
    for row in found["cells"]:
        assert row["ratio_to_itself"]["low"] < row["ratio_to_itself"]["value"]
        assert row["cost_per_million_tokens"] > 0
    (pair,) = found["comparisons"]
    assert pair["noise"] > 0
    logs = {path.name for path in tmp_path.glob("results/*/logs/*")}
    assert "reference-numpy-control-round1.log" in logs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--budget", "0.5s"), "--budget 0.5s is too short for one window of each of 1 cells"),
        (("--budget", "1s", "--control"), "too short for one window of each of 2 cells"),
        (("--precision", "fast"), "run.precision"),
        (("--precision", "2"), "run.precision"),
        (("--budget", "soon"), "run.budget"),
    ],
)
def test_bad_limits_are_refused_before_anything_is_written(
    compare: Compare, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    finished = compare(*TINY, "--backend", "reference", *options)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()
