"""The rules of the house: rooms and floors; the core names no plug-in, and starts no framework."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, environment

PLUGINS = ("backends", "engines", "tasks", "report")
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "flax", "optax")
SHIPPED = (".py", ".typed", ".html", ".css", ".js")
FLOORS = (
    "errors", "version", "limits", "interrupts", "streams", "extras", "plugins",  # the ground
    "stats", "spec", "text", "sources", "meters", "contracts", "records", "findings", "fairness",
    "swept", "archive", "conformance", "worker", "ranks", "planning", "running", "cluster",
    "explain", "reporting", "serving", "testing", "commands", "cli",
)  # fmt: skip
"""The rooms of the core: each imports only those that stand before it."""
MOST_MODULES = 14  # of a room; a file per command is the one exception
FOLDER_OF = {"compare": "compare"} | {f"compare.{name}": name for name in PLUGINS}


def imports(core: Path) -> dict[str, set[str]]:
    """Every module of a core by its dotted name, and the modules of it that it imports: absolutely
    or relatively, at its head, in a function or under TYPE_CHECKING."""
    names = {}
    for path in core.rglob("*.py"):
        parts = ("compare", *path.relative_to(core).with_suffix("").parts)
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        wanted = set[str]()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*(above if node.level else ()), *([node.module or ""])]).strip(".")
                wanted |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        # A package stands for what it passes on, unless a module of it was named.
        inner = {one for one in wanted if one in names}
        found[name] = {
            one for one in inner if not any(other.startswith(f"{one}.") for other in inner)
        } - {name}
    return found


def floor(module: str) -> int:
    return FLOORS.index(module.split(".")[1])


def upward(core: Path) -> list[str]:
    """Imports of a room from one that stands above it, naming both files."""
    return [
        f"{_file(module)} imports {_file(other)}, which stands above it"
        for module, others in imports(core).items()
        for other in sorted(others)
        if module.count(".") and other.count(".")
        if module != "compare.__main__" and floor(other) > floor(module)
    ]


def circles(core: Path) -> list[str]:
    """Modules that import each other in the end, as far as one way leads round."""
    graph, done, found = imports(core), set[str](), list[str]()

    def visit(module: str, way: list[str]) -> None:
        if module in way:
            found.append(" imports ".join(map(_file, [*way[way.index(module) :], module])))
        elif module not in done:
            for other in sorted(graph[module]):
                visit(other, [*way, module])
            done.add(module)

    for module in sorted(graph):
        if module != "compare":  # `compare.load` is looked up when it is asked for
            visit(module, [])
    return found


def _file(module: str) -> str:
    return module.replace(".", "/")


def test_a_room_imports_only_rooms_below_it() -> None:
    assert upward(ROOT / "compare") == []


def test_no_modules_import_each_other() -> None:
    assert circles(ROOT / "compare") == []


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("stats/welch.py", "from compare.running import jobs", "compare/running/jobs"),
        ("records/reading.py", "from compare.commands.run import run", "compare/commands/run"),
        ("spec/model.py", "if TYPE_CHECKING:\n    import compare.cli", "compare/cli"),
        ("errors.py", "def f():\n    from compare.version import VERSION", "compare/version"),
        ("sources/lines.py", "from ..findings.summary import Summary", "compare/findings/summary"),
    ],
)
def test_an_import_upward_is_told_with_both_files(
    file: str, line: str, told: str, tmp_path: Path
) -> None:
    core = _planted(tmp_path, file, line)
    (found,) = upward(core)
    assert found == f"compare/{file.removesuffix('.py')} imports {told}, which stands above it"


def test_a_circle_within_a_room_is_told_with_its_files(tmp_path: Path) -> None:
    core = _planted(tmp_path, "spec/parameters.py", "from compare.spec.layers import Embedding")
    (found,) = circles(core)
    assert "compare/spec/layers" in found
    assert "compare/spec/parameters" in found


def _planted(folder: Path, file: str, line: str) -> Path:
    """A copy of the core, with a line more in one file."""
    core = folder / "compare"
    shutil.copytree(ROOT / "compare", core)
    path = core / file
    path.write_text(f"{path.read_text('utf-8')}\n{line}\n", encoding="utf-8")
    return core


def test_rooms_stay_small_and_say_what_is_kept_there() -> None:
    for room in (path for path in (ROOT / "compare").iterdir() if (path / "__init__.py").exists()):
        files = {path.name for path in room.glob("*.py")} - {"__init__.py"}
        assert room.name == "commands" or len(files) <= MOST_MODULES, room.name
        described = ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""
        assert "Begin with" in described, room.name
        assert "May import" in described, room.name
        named = set(re.findall(r"`(\w+\.py)`", described))
        assert named <= files, room.name


def test_the_page_on_the_architecture_lists_the_rooms_that_there_are() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    listed = re.findall(r"^\| `compare/([\w/.]+?)/?`", page, re.MULTILINE)
    assert tuple(name.removesuffix(".py") for name in listed) == FLOORS
    named = set(re.findall(r"`((?:compare|report|tasks|tests)/[\w/]+\.py)`", page))
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_room_has_its_floor() -> None:
    core = ROOT / "compare"
    rooms = {path.parent.name for path in core.glob("*/__init__.py")}
    files = {path.stem for path in core.glob("*.py")} - {"__init__", "__main__"}
    assert rooms | files == set(FLOORS)


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


@pytest.mark.slow
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


def test_every_module_of_tests_has_a_name_of_its_own() -> None:
    """Else pytest collects one of the two alone, and where caches lie about it fails."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.slow
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
    opened_wheel = zipfile.ZipFile(wheel)
    held = {name for name in opened_wheel.namelist() if ".dist-info/" not in name}
    assert held == expected
    (points,) = (name for name in opened_wheel.namelist() if name.endswith("entry_points.txt"))
    for command in ("compare", "framework-compare"):  # the first is ImageMagick's on many machines
        assert f"{command} = compare.cli:main" in opened_wheel.read(points).decode().splitlines()
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert any(name.endswith("backends/torch/trainer.py") for name in names)
