"""What is published has everything that is in the checkout, and runs without it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from conftest import ROOT, environment

FOLDERS = {"backends": "compare/backends", "engines": "compare/engines", "report": "compare/report",
           "tasks": "compare/tasks", "compare": "compare"}  # fmt: skip


def test_every_package_is_listed() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = told["tool"]["setuptools"]["packages"]
    found = {
        ".".join([published.replace("/", "."), *path.parent.relative_to(ROOT / folder).parts])
        for folder, published in FOLDERS.items()
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert sorted(listed) == sorted(found)


@pytest.mark.slow
def test_a_wheel_runs_the_main_job_without_the_checkout(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", "77")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet",
         "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("framework_compare-*.whl")
    site = tmp_path / "site"
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    for folder, published in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert (site / published / path.relative_to(ROOT / folder)).is_file(), path
    alone = {**environment(), "PYTHONPATH": str(site)}
    whence = [sys.executable, "-P", "-c", "import compare.cli; print(compare.cli.__file__)"]
    told = subprocess.run(whence, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert told.stdout.startswith(f"{site}{os.sep}")
    job = [sys.executable, "-P", "-m", "compare", "--task", "lm", "--preset", "tiny"]
    played = subprocess.run(
        [*job, "--backend", "reference", "--steps", "5", "--quiet"],
        cwd=tmp_path, env=alone, capture_output=True, text=True,
    )  # fmt: skip
    assert played.returncode == 0, played.stderr
    assert list(tmp_path.glob("results/*/report.html"))
