"""An adapter of a framework that shares no environment with the others: `examples/paddle`.

`COMPARE_PADDLE_PYTHON` names an interpreter that has this suite and paddlepaddle:

    python -m venv /tmp/paddle
    /tmp/paddle/bin/pip install -e . paddlepaddle
    COMPARE_PADDLE_PYTHON=/tmp/paddle/bin/python pytest -m slow tests/test_another_framework.py
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, cell, document
from test_adding_a_backend import install, run

EXAMPLE = ROOT / "examples" / "paddle"
PYTHON = os.environ.get("COMPARE_PADDLE_PYTHON", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="COMPARE_PADDLE_PYTHON names no interpreter"),
    pytest.mark.xdist_group("paddle"),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The package beside the suite, in an environment that does not have the framework."""
    return install(EXAMPLE, tmp_path_factory.mktemp("site") / "packages")


def test_every_layer_and_rule_is_right_in_both_modes(
    installed: dict[str, str], tmp_path: Path
) -> None:
    arguments = ["check-backend", "paddle:all", "--python", f"paddle={PYTHON}", "--json"]
    finished = run(arguments, installed, tmp_path)
    found = json.loads(finished.stdout)
    assert list(found) == ["paddle:eager", "paddle:static"]
    unsupported = {"precision: tf32", "precision: bf16"}
    uncounted = {"compiled: large lstm", "compiled: large transformer block"}
    for label, findings in found.items():
        assert [f for f in findings if f["status"] == "failed"] == []
        skipped = {f["check"] for f in findings if f["status"] == "skipped"}
        assert skipped == unsupported | (uncounted if label == "paddle:eager" else set())


def test_a_whole_training_is_audited(installed: dict[str, str], tmp_path: Path) -> None:
    arguments = [
        *("audit", "--task", "lm", "--preset", "tiny", "--steps", "20", "--json"),
        *("--backend", "paddle:all", "--python", f"paddle={PYTHON}"),
    ]
    finished = run(arguments, installed, tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("task", ["lm", "translation", "sentiment"])
def test_it_races(installed: dict[str, str], tmp_path: Path, task: str) -> None:
    """A recurrent model, an encoder with a decoder, a classifier."""
    arguments = [
        *("--task", task, "--preset", "tiny", "--threads", "1", "--json"),
        *("--backend", "paddle:all,reference", "--python", f"paddle={PYTHON}"),
    ]
    row = cell(document(run(arguments, installed, tmp_path)), "paddle")
    assert row["status"] == "ok", row["reason"]


def test_its_own_test_suite_passes(tmp_path: Path) -> None:
    """As its author runs it: where the framework is, with nothing told."""
    site = install(EXAMPLE, tmp_path / "site")
    if subprocess.run([PYTHON, "-c", "import pytest"], capture_output=True).returncode:
        pytest.skip("that interpreter has no pytest")
    finished = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")],
        cwd=tmp_path, env=site, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout


def test_without_its_framework_it_is_a_line_with_the_remedy(
    installed: dict[str, str], tmp_path: Path
) -> None:
    finished = run(
        ["check-backend", "paddle", "--python", f"paddle={sys.executable}"], installed, tmp_path
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    (line,) = finished.stderr.splitlines()
    assert "paddle is not installed" in line
