"""The rules of the house: the core names no plug-in, and starts no framework in its process."""

import ast
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, environment

PLUGINS = ("backends", "tasks", "report")
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "flax", "optax")
SHIPPED = (".py", ".typed", ".html", ".css", ".js")
FOLDER_OF = {"compare": "compare"} | {f"compare.{name}": name for name in PLUGINS}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Names of the modules that a file imports absolutely, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


@pytest.mark.parametrize("path", modules("compare"), ids=str)
def test_the_core_names_no_plug_in_and_no_framework(path: Path) -> None:
    strings = [
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for name in imported(path):
        assert not f"{name}.".startswith(tuple(f"compare.{plugin}." for plugin in PLUGINS))
        assert name.split(".")[0] not in FRAMEWORKS
    for framework in (*FRAMEWORKS, "reference"):
        assert framework not in strings


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plug_in_imports_only_the_core_and_its_own_siblings(plugin: str) -> None:
    for path in modules(plugin):
        for name in imported(path):
            assert not f"{name}.".startswith(tuple(f"compare.{other}." for other in PLUGINS)), path


def test_the_command_s_process_imports_no_framework(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['compare', '--task', 'lm', '--preset', 'tiny', '--steps', '8',"
        "'--backend', 'torch,reference'];"
        "import compare.cli\n"
        "try: compare.cli.main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert finished.stdout.splitlines()[-1] == "[]", finished.stderr


def test_a_worker_without_a_framework_imports_only_the_light_part() -> None:
    heavy = ("pandas", "typer", "rich", "scipy", "sklearn", "tokenizers", *FRAMEWORKS)
    code = f"import sys, compare.worker; print([n for n in {heavy} if n in sys.modules])"
    finished = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[]"


@pytest.mark.parametrize("folder", ["compare", *PLUGINS])
def test_modules_stay_short(folder: str) -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in modules(folder)}
    assert {path: length for path, length in lengths.items() if length > 310} == {}


def test_the_wheel_and_the_source_archive_have_every_file(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(ROOT)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    expected = {
        package.replace(".", "/") + "/" + str(path.relative_to(ROOT / folder))
        for package, folder in FOLDER_OF.items()
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SHIPPED and "__pycache__" not in path.parts
    }
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert any(name.endswith("backends/torch/trainer.py") for name in names)
