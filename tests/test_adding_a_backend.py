"""`docs/adding-a-backend.md` is the example in `examples/mlx`, and the example works."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, command, environment, needs

EXAMPLE = ROOT / "examples" / "mlx"
PAGE = (ROOT / "docs" / "adding-a-backend.md").read_text("utf-8")
BLOCKS = re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, flags=re.DOTALL)

pytestmark = [needs("mlx"), pytest.mark.xdist_group("example")]


def install(source: Path, target: Path) -> dict[str, str]:
    """Install a package into a folder of its own; the environment that finds it there."""
    copy = target.with_name(f"{target.name}-source")  # building writes beside the sources
    shutil.copytree(source, copy)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--target", str(target), str(copy)),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return {**environment(), "PYTHONPATH": str(target)}


def run(arguments: list[str], env: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments), cwd=cwd, env=env, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The package as the page has it, its snippets put together, installed."""
    source = tmp_path_factory.mktemp("page")
    files: dict[str, str] = {}
    for name, text in BLOCKS:
        files[name] = files.get(name, "") + text
    for name, text in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    return install(source, tmp_path_factory.mktemp("site") / "packages")


def test_the_page_shows_every_file_of_the_example() -> None:
    shown = {name: "".join(text for n, text in BLOCKS if n == name) for name, _ in BLOCKS}
    paths = [path for path in EXAMPLE.rglob("*") if path.suffix in (".py", ".toml")]
    held = {
        str(path.relative_to(EXAMPLE)): path.read_text("utf-8")
        for path in paths
        if not {"build", "__pycache__"} & set(path.parts)
    }
    assert shown == held


@pytest.mark.slow
@pytest.mark.parametrize("line", re.findall(r"^    (compare .+)$", PAGE, flags=re.MULTILINE))
def test_a_command_of_the_page_runs(installed: dict[str, str], tmp_path: Path, line: str) -> None:
    finished = run(shlex.split(line)[1:], installed, tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_example_supports_the_recurrent_language_models(
    installed: dict[str, str], tmp_path: Path
) -> None:
    finished = run(["check-backend", "mlx", "--json"], installed, tmp_path)
    ((_, findings),) = json.loads(finished.stdout).items()
    status = {finding["check"]: finding["status"] for finding in findings}
    for model in ("dense", "elman of 2 layers", "lstm of 2 layers", "gru of 2 layers"):
        assert {status[f"{kind}: {model}"] for kind in ("logits", "gradients")} == {"passed"}
    assert status["logits: transformer block"] == "skipped"
    assert "failed" not in status.values()


@pytest.mark.slow
def test_its_own_test_suite_passes(installed: dict[str, str], tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", str(EXAMPLE / "tests")],
        cwd=tmp_path, env=installed, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("turned(name, np.array(flat[path]))", "np.array(flat[path])", "round trip: dense"),
        ("n = mx.tanh(xn + r * (hn + self.bhn))", "n = mx.tanh(xn + r * hn)", "logits: gru"),
        ("mx.sqrt(v_hat) + self.spec.epsilon", "mx.sqrt(v_hat + self.spec.epsilon)", "adam"),
        ("return np.array(losses)", "return np.array(losses[:-1])", "expected (2,) ("),
    ],
)
def test_one_broken_line_is_told_apart(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(EXAMPLE, broken)
    module = broken / "compare_mlx" / "trainer.py"
    text = module.read_text("utf-8")
    assert text.count(right) == 1
    module.write_text(text.replace(right, wrong))
    finished = run(["check-backend", "mlx"], install(broken, tmp_path / "site"), tmp_path)
    assert finished.returncode == 1
    failed = [line for line in finished.stdout.splitlines() if line.startswith("failed")]
    assert told in failed[0]
    if told == "round trip: dense":  # the answer that the page shows
        shown = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)[0].splitlines()
        assert shown[0] in failed
        assert shown[1] in finished.stdout.splitlines()
