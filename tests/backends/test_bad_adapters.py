"""An adapter that is wrong in itself is named in one line, with its file and line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Compare, cell, document

from compare.conformance.checks import names

RIGHT = """
from compare.contracts import Device
from compare.contracts.loading import load_backend

class Trainer:
    def __init__(self, inner):
        self.inner = inner
    def load(self, weights):
        self.inner.load(weights)
    def weights(self):
        return self.inner.weights()
    def train(self, batches, learning_rates):
        return self.inner.train(batches, learning_rates)
    def gradients(self, batch):
        return self.inner.gradients(batch)
    def logits(self, batch):
        return self.inner.logits(batch)
    def memory(self):
        return self.inner.memory()

class Backend:
    name = "mine"
    modes = ("only",)
    oracle = False
    def open(self, mode, threads):
        self.reference = load_backend("reference")
    def versions(self):
        return {"mine": "1"}
    def devices(self):
        return [Device("cpu")]
    def build(self, experiment, device):
        return Trainer(self.reference.build(experiment, device))

backend = Backend()
""".lstrip()

UNLOADABLE = [
    ("class Backend:", "class Backend", "SyntaxError: expected ':' ({file}:20)"),
    ("from compare.contracts import", "import not_there, compare.contracts import", "SyntaxError"),
    ("backend = Backend()", "", "{file} defines no module-level name 'backend'"),
    ("backend = Backend()", "backend = Backend(1)", "Backend() takes no arguments ({file}:"),
    ("def versions", "def version", "Backend lacks the method versions() ({file}:20)"),
    ('    name = "mine"\n', "", "has no attribute 'name'"),
    ("backend = Backend()", "backend = Backend", "is the class Backend, expected an instance"),
    ("    oracle = False\n", "", "has no attribute 'oracle': add `oracle = False` ({file}:20)"),
    ('modes = ("only",)', 'modes = ("only")', "modes = 'only', expected a tuple of names"),
    ('name = "mine"', 'name = "yours"', "name = 'yours', expected 'mine', as the file ({file}:20)"),
    ("import Device", "import Device, nothing_of_the_kind", "ImportError: cannot import name"),
]  # fmt: skip
FAILING = [
    ("    def logits", "    def logit", "Trainer lacks the method logits() ({file}:4)"),
    (
        "self.inner.train(batches, learning_rates)",
        "self.inner.train(batches, learning_rates)[1:]",
        "Trainer.train returned 0 losses for 1 batches ({file}:11)",
    ),
    ("inner.logits(batch)", "inner.logits(batch)[1:]", "Trainer.logits returned shape (3,"),
    ("inner.logits(batch)", "inner.lost", "has no attribute 'lost' ({file}:16)"),
    ("self.inner.memory()", "None", "Trainer.memory returned None, expected a DeviceMemory"),
    (
        "self.inner.train(batches, learning_rates)",
        "float('nan') * self.inner.train(batches, learning_rates)",
        "the loss is not finite from step 0 on",
    ),
]  # fmt: skip


def adapter(folder: Path, right: str, wrong: str) -> Path:
    file = folder / "mine.py"
    assert RIGHT.count(right) == 1
    file.write_text(RIGHT.replace(right, wrong))
    return file


@pytest.mark.parametrize(("right", "wrong", "told"), UNLOADABLE)
def test_one_that_does_not_load_is_bad_input(
    compare: Compare, tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    file = adapter(tmp_path, right, wrong)
    finished = compare("--task", "lm", "--preset", "tiny", "--backend", str(file))
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert told.format(file=file) in line
    assert "Traceback" not in line


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong", "told"), FAILING)
def test_one_that_fails_in_a_run_keeps_its_row(
    compare: Compare, tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    file = adapter(tmp_path, right, wrong)
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--steps", "6", "--json",
        "--backend", f"{file},reference",
    )  # fmt: skip
    rows = document(finished)
    row = cell(rows, "mine")
    assert row["status"] in ("failed", "parity_failed")
    assert told.format(file=file) in row["reason"]
    assert "\n" not in row["reason"]
    assert cell(rows, "reference")["status"] == "ok"


def test_the_check_says_at_once_what_is_missing(compare: Compare, tmp_path: Path) -> None:
    file = adapter(tmp_path, "    def gradients", "    def gradient")
    finished = compare("check-backend", str(file), "--json")
    ((_, findings),) = json.loads(finished.stdout).items()
    (failed,) = (f for f in findings if f["status"] == "failed")
    assert failed["detail"] == f"Trainer lacks the method gradients() ({file}:4)"


def test_a_framework_that_the_module_itself_imports_is_told(
    compare: Compare, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import rich\n" + RIGHT.replace('{"mine": "1"}', '{"rich": "1"}'))
    finished = compare("check-backend", str(file), "--json")
    ((_, findings),) = json.loads(finished.stdout).items()
    failed = {f["check"]: f["detail"] for f in findings if f["status"] == "failed"}
    told = "importing the adapter's module imports rich: only open() may"
    assert failed["imports"] == told


@pytest.mark.slow
def test_the_pytest_suite_fails_where_checks_could_not_be_made(tmp_path: Path) -> None:
    file = adapter(tmp_path, "    def gradients", "    def gradient")
    suite = (
        f"from compare.testing import conformance_test\ntest = conformance_test({str(file)!r})\n"
    )
    (tmp_path / "test_mine.py").write_text(suite)
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert f"{len(names()) - 2} failed, 2 passed" in finished.stdout  # devices and imports


def test_a_device_that_is_not_there_is_named(compare: Compare, tmp_path: Path) -> None:
    file = adapter(tmp_path, "backend = Backend()", "backend = Backend()")
    finished = compare("check-backend", str(file), "--device", "cuda:7")
    assert finished.returncode == 1
    assert "no device cuda:7: there is cpu" in finished.stdout
