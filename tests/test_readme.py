"""Every command in the README, and on the pages that it links to, runs."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Compare, needs
from terminals import screen

TEXT = (ROOT / "README.md").read_text("utf-8")
PAGES = ("tasks-and-data", "measuring", "sweeps", "getting-started", "reading-a-report", "recipes")
# What a line needs that this machine may not have; a test of its own runs those of a cluster.
NOT_HERE = ("cuda", "/venv/", "path/to/", "--cluster ray")
TEXTS = [TEXT, *((ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in PAGES)]
COMMANDS = list(
    dict.fromkeys(
        line
        for text in TEXTS
        for line in re.findall(r"^    (compare .+)$", text, re.MULTILINE)
        if not any(part in line for part in NOT_HERE)
    )
)
REFERENCE = ROOT / "results" / "reference"
QUICK = ("--preset", "tiny", "--backend", "reference", "--steps", "10", "--set", "train.batch=2")


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.slow
@needs("torch", "jax")
@pytest.mark.parametrize("line", [line for line in COMMANDS if "compare --task" in line])
def test_a_command_of_the_readme_runs(
    compare: Compare, tmp_path: Path, line: str, request: pytest.FixtureRequest
) -> None:
    if "run.threads" in line:
        request.getfixturevalue("all_cpus")
    (tmp_path / "my.toml").write_text(_blocks("toml")[0])
    times = "It was the best of times, it was the worst of times.\n"
    (tmp_path / "book.txt").write_text(times * 99)
    for name in ("corpus.de", "corpus.en", "reviews.pos", "reviews.neg"):
        (tmp_path / name).write_text("".join(f"{name} line {i}\n" for i in range(60)))
    reviews = "".join(f"It was film {i},{'pos' if i % 2 else 'neg'}\n" for i in range(60))
    (tmp_path / "reviews.csv").write_text(f"text,label\n{reviews}")
    rows = "".join(f'"{times}{i}",times\n' for i in range(60))
    (tmp_path / "news.csv").write_text(f"text,summary\n{rows}")
    arguments = shlex.split(line)[1:]
    if {"--budget", "--precision"} & set(arguments):
        arguments += ["--budget", "5s"]
    frameworks = "torch:eager,jax" in arguments
    quick = ["--preset", "tiny", "--steps", "20"] if frameworks else [*QUICK]
    finished = compare(*arguments, *quick)  # an option given twice takes its last value
    assert finished.returncode == 0, finished.stderr


@pytest.mark.slow
@needs("jax")
def test_the_text_of_the_readme_is_generated(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("It was the best of times.\n" * 99)
    keep, generate = (
        next(line for line in COMMANDS if part in line) for part in ("--save-weights", "generate")
    )
    assert compare(*shlex.split(keep)[1:], *QUICK, "--backend", "jax").returncode == 0
    (folder,) = (tmp_path / "kept").iterdir()
    finished = compare(*shlex.split(generate.replace("kept/*", str(folder)))[1:])
    assert finished.stdout.startswith("It was"), finished.stderr


@pytest.mark.slow
def test_what_is_done_with_a_run_is_done_as_the_readme_says(
    compare: Compare, tmp_path: Path
) -> None:
    lines = [line for line in COMMANDS if "results/" in line or line == "compare history"]
    lines = [line for line in lines if "SWEEP" not in line]  # see tests/running/test_points.py
    assert {line.split()[1] for line in lines} == {"diff", "export", "history", "report", "resume"}
    assert compare("--task", "lm", *QUICK).returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    before = (folder / "report.md").read_text()
    for line in lines:
        named = re.sub(r"\b(RUN|OTHER|BASE|NEW)\b", folder.name, line.replace(" --open", ""))
        named = named.replace("torch:eager", "reference:numpy")  # the row of this run
        finished = compare(*shlex.split(named)[1:])
        too_short = 3 if line.startswith("compare diff") else 0  # windows of ms tell nothing
        assert finished.returncode == too_short, (line, finished.stderr)
    assert (folder / "report.md").read_text() == before
    assert {"report.tex", "summary.parquet", "plots"} <= {
        path.name for path in (tmp_path / "paper").iterdir()
    }


def test_the_python_and_the_sql_of_the_readme_read_results(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb  # slow to import

    assert compare("--task", "lm", *QUICK).returncode == 0
    (python,) = _blocks("python")
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{python}\nprint(frame.to_json(orient='records'))"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    (row,) = json.loads(done.stdout)
    assert (row["backend"], row["batch"], row["steps"]) == ("reference", 2, 10)
    monkeypatch.chdir(tmp_path)
    (sql,) = _blocks("sql")
    (found,) = duckdb.sql(sql).fetchall()
    assert found[-1] == pytest.approx(row["tokens_per_second"])


def test_the_screen_of_the_readme_is_the_reference_run_s(tmp_path: Path) -> None:
    (shown,) = _blocks("text")
    printed = screen(tmp_path, 78, "report", str(REFERENCE / "lm-small"), "--out", "out")
    assert shown == printed.partition("Report: ")[0]


def test_what_the_model_that_learns_comes_to_is_the_reference_run_s() -> None:
    report = (REFERENCE / "lm-learns" / "report.md").read_text("utf-8")
    loss, floor = re.findall(
        r"validation loss of (\d\.\d+) on all four, where no model can be below (\d\.\d+)", TEXT
    )[0]
    reached = float(re.findall(r"Validation loss ([\d.]+) on all", report)[0])
    least = float(re.findall(r"\(([\d.]+) on these validation tokens\)", report)[0])
    assert (loss, floor) == (f"{reached:.3f}", f"{least:.3f}")


@pytest.mark.slow
@needs("torch")
@pytest.mark.parametrize("line", [c for c in COMMANDS if "audit" in c or "check-backend" in c])
def test_a_check_of_the_readme_passes(compare: Compare, line: str) -> None:
    finished = compare(*shlex.split(line)[1:])
    assert finished.returncode == 0, finished.stdout


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def test_make_runs_what_the_readme_says() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake (\w[\w-]*)", TEXT):
        assert f"\n{target}:" in makefile


def test_paths_in_the_readme_exist() -> None:
    found = re.findall(r"\]\(([^)#]+)\)|src(?:set)?=\"([^\"]+)\"", TEXT)
    assert len(found) > 10
    for pair in found:
        assert (ROOT / "".join(pair)).exists()
