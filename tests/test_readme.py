"""Every command in the README runs."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import ROOT, Compare, needs

TEXT = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^    (compare .+)$", TEXT, flags=re.MULTILINE)
QUICK = ("--preset", "tiny", "--backend", "reference", "--steps", "10", "--set", "train.batch=2")


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 8


@needs("torch", "jax")
@pytest.mark.parametrize("line", [line for line in COMMANDS if "compare --task" in line])
def test_a_command_of_the_readme_runs(compare: Compare, tmp_path: Path, line: str) -> None:
    (tmp_path / "my.toml").write_text(re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)[0])
    times = "It was the best of times, it was the worst of times.\n"
    (tmp_path / "book.txt").write_text(times * 99)
    for name in ("corpus.de", "corpus.en", "reviews.pos", "reviews.neg"):
        (tmp_path / name).write_text("".join(f"{name} line {i}\n" for i in range(60)))
    rows = "".join(f'"{times}{i}",times\n' for i in range(60))
    (tmp_path / "news.csv").write_text(f"text,summary\n{rows}")
    arguments = shlex.split(line)[1:]
    if "--budget" in arguments:
        arguments += ["--budget", "5s"]
    frameworks = "torch:eager,jax" in arguments
    quick = ["--preset", "tiny", "--steps", "20"] if frameworks else [*QUICK]
    finished = compare(*arguments, *quick)  # an option given twice takes its last value
    assert finished.returncode == 0, finished.stderr


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


@pytest.mark.parametrize("line", [line for line in COMMANDS if "results/RUN" in line])
def test_a_run_is_resumed_and_reported_as_the_readme_says(
    compare: Compare, tmp_path: Path, line: str
) -> None:
    assert compare("--task", "lm", *QUICK).returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    before = (folder / "report.md").read_text()
    finished = compare(*shlex.split(line.replace("RUN", folder.name))[1:])
    assert finished.returncode == 0, finished.stderr
    assert (folder / "report.md").read_text() == before


@needs("torch")
@pytest.mark.parametrize("line", [c for c in COMMANDS if "audit" in c or "check-backend" in c])
def test_a_check_of_the_readme_passes(compare: Compare, line: str) -> None:
    finished = compare(*shlex.split(line)[1:])
    assert finished.returncode == 0, finished.stdout


def test_make_runs_what_the_readme_says() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake (\w[\w-]*)", TEXT):
        assert f"\n{target}:" in makefile


def test_paths_in_the_readme_exist() -> None:
    for path in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / path).exists()
