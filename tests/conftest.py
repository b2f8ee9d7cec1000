"""Running the command as a user does: in a process of its own, in an empty folder."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from compare.meters.threads import cpu_numbers

ROOT = Path(__file__).parent.parent
ADAPTERS = ROOT / "tests" / "adapters"
STORED = ROOT / "tests" / "runs"
"""Records of runs that took place; those that a visitor is shown are in results/reference."""
SHARED_DATA = ROOT.parent / "shared" / "data"

Compare = Callable[..., "subprocess.CompletedProcess[str]"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "compare", *arguments]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "COLUMNS"}


PRINTED = """
import contextlib, json, os, sys, tempfile
from compare.cli import main

def printed():
    # What the program prints, wherever it takes its standard output from.
    sys.stdout.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        with contextlib.suppress(SystemExit):
            main()
        sys.stdout.flush()
        os.dup2(kept, 1)
        file.seek(0)
        return file.read().decode()
"""
"""Code that runs the command many times in one process: `printed()` is what one run prints"""


@pytest.fixture(autouse=True, scope="session")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tokenised texts of the tests stay out of the user's cache; NumPy's threads, which wait for
    work in a loop, out of the way of the test beside (a backend that is played sets its own).
    What is compiled is kept: hundreds of tests start the command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("COMPARE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        yield


@pytest.fixture(autouse=True)
def small_numbers() -> Iterator[None]:
    """A backend that is opened in the test's own process may make numbers near zero none, for all
    tests after it."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)


@pytest.fixture(autouse=True, scope="session")
def own_cpu(worker_id: str) -> Iterator[list[int]]:
    """What tests start computes on one CPU, another one in each process of tests; all CPUs.

    Else the threads of two frameworks wait for each other in loops, and a step may take a hundred
    times as long; and the conformance checks, which keep to the first CPU, would all share it.
    """
    before = cpu_numbers()
    if before and worker_id != "master":
        number = int(worker_id.removeprefix("gw"))
        os.sched_setaffinity(0, {before[number % len(before)]})
    yield before
    if before:
        os.sched_setaffinity(0, before)


@pytest.fixture
def all_cpus(own_cpu: list[int]) -> Iterator[None]:
    """For a test of what is done with several CPUs."""
    before = cpu_numbers()
    if before:
        os.sched_setaffinity(0, own_cpu)
    yield
    if before:
        os.sched_setaffinity(0, before)


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """`compare(...)` runs the command in an empty folder and returns the finished process."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=1000,  # of a machine with much else to do
        )

    return run


def begin(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The command in `folder`, still running."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> None:
    """Until a process has made this file."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was not made"
        time.sleep(0.02)


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """What the command in `folder` shows on a terminal while it runs."""
    line = f"{shlex.join(command(*arguments))} > /dev/null"
    shown = subprocess.run(
        ["script", "-qec", line, "/dev/null"],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    return shown.stdout


def document(finished: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """What `--json` printed, which must be one JSON document and nothing else."""
    found: dict[str, Any] = json.loads(finished.stdout, parse_constant=_no_constants)
    return found


def _no_constants(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def cell(found: dict[str, Any], backend: str) -> dict[str, Any]:
    return next(row for row in found["cells"] if row["backend"] == backend)


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip, saying why, where a framework is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")
