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
@pytest.mark.parametrize("line", [line for line in COMMANDS if "--task" in line])
def test_a_command_of_the_readme_runs(compare: Compare, tmp_path: Path, line: str) -> None:
    (tmp_path / "my.toml").write_text(re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)[0])
    (tmp_path / "book.txt").write_text(
        "It was the best of times, it was the worst of times.\n" * 99
    )
    arguments = shlex.split(line)[1:]
    quick = [*QUICK] if "--backend" not in arguments else ["--preset", "tiny"]
    finished = compare(*arguments, *quick)  # an option given twice takes its last value
    assert finished.returncode == 0, finished.stderr


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
