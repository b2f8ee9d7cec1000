"""`make reference` plays what is written down, and keeps of it what a visitor looks at."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT, environment

RUNS = """
[lm]
about = "a run"
commands = ["compare --task lm --preset tiny --backend reference --quiet --save-weights"]

[suite]
about = "every task"
commands = ["compare suite --preset tiny --backend reference --set train.steps=4 --quiet"]

[sweep]
about = "three batches"
commands = [
    "compare --task lm --preset tiny --backend reference --steps 4 --sweep train.batch=2,4 --quiet",
    "compare --task lm --preset tiny --backend reference --steps 4 --seed 2 --quiet --out other",
    "compare report results/RUN --out table",
    "compare report other/RUN",
]
"""


@pytest.mark.slow
def test_runs_are_played_kept_and_told(tmp_path: Path) -> None:
    reference = tmp_path / "results" / "reference"
    (reference / "lm").mkdir(parents=True)
    (reference / "lm" / "older.csv").touch()
    (reference / "runs.toml").write_text(RUNS)
    finished = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "reference.py")], cwd=tmp_path,
        env=environment(), capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for name in ("lm", "suite", "sweep"):
        assert list((reference / name).rglob("records.jsonl"))
        assert (reference / name / "report.html").is_file()
        assert not list((reference / name).rglob("logs"))
    kept = {path.name for path in (reference / "lm").iterdir()}
    assert kept == {"plots", "records.jsonl", "report.html", "report.md", "summary.csv"}
    page = (reference / "README.md").read_text()
    assert "| [`sweep`](sweep/report.md) | three batches |" in page
    assert "    compare report other/RUN" in page


def test_every_run_has_a_command_and_says_what_it_shows() -> None:
    runs = tomllib.loads((ROOT / "results" / "reference" / "runs.toml").read_text("utf-8"))
    for run in runs.values():
        assert run["about"]
        assert all(command.startswith("compare ") for command in run["commands"])
        own = "".join(run["commands"]).replace("/RUN", "")
        assert "/" not in own  # no folders that only one machine has
