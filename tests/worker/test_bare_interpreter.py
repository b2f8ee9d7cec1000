"""One backend under two interpreters: two rows of one run, and nothing of the suite installed in
the other one."""

import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from conftest import ADAPTERS, Compare, cell, document

from compare.errors import UserError
from compare.planning.spelling import interpreter_of_each, untagged, with_tagged

TINY = ("--task", "lm", "--preset", "tiny", "--steps", "10")
NEEDED = ("numpy", "pydantic", "pydantic-core", "annotated-types", "typing-extensions",
          "typing-inspection", "psutil", "threadpoolctl")  # fmt: skip


def bare(folder: Path, names: tuple[str, ...]) -> Path:
    """The Python of a new environment that has these libraries, as links, and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in names:
        files = distribution(name).files or []
        tops = {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            (packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare(tmp_path_factory.mktemp("bare") / "venv", NEEDED)


def test_the_environment_is_bare(other: Path) -> None:
    code = "import importlib.util as u; print([u.find_spec(n) for n in ('compare', 'pandas')])"
    found = subprocess.run([other, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[None, None]"


@pytest.mark.slow
def test_one_backend_under_two_interpreters_is_two_rows_in_lockstep(
    compare: Compare, other: Path, tmp_path: Path
) -> None:
    adapter = ADAPTERS / "trouble.py"
    found = document(
        compare(
            *TINY, "--backend", f"reference,{adapter}:none", "--rounds", "2",
            "--python", f"reference@other={other}", "--python", f"trouble@other={other}",
            "--json", "--quiet",
        )
    )  # fmt: skip
    rows = ["reference", "reference@other", "trouble", "trouble@other"]
    assert [row["backend"] for row in found["cells"]] == rows
    assert [row["status"] for row in found["cells"]] == ["ok"] * 4
    assert cell(found, "reference@other")["losses"] == cell(found, "reference")["losses"]
    pairs = {frozenset((one["first"], one["second"])) for one in found["comparisons"]}
    assert {"reference:numpy", "reference@other:numpy"} in pairs
    (path,) = tmp_path.glob("results/*/records.jsonl")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    windows = [r for r in records if r["kind"] == "window" and not r["cell"]["echo"]]
    for at in range(0, len(windows), 4):  # one of each before any has another
        turn = windows[at : at + 4]
        assert {window["cell"]["backend"] for window in turn} == set(rows)
        assert len({(w["round"], w["role"], w["first_step"]) for w in turn}) == 1
    again = compare("resume", str(path.parent), "--quiet")
    assert again.returncode == 0, again.stderr
    assert '"kind":"resumed"' not in path.read_text()  # it is whole


@pytest.mark.slow
def test_an_interpreter_without_what_a_worker_needs_is_told_what_to_install(
    compare: Compare, tmp_path: Path
) -> None:
    lacking = bare(tmp_path / "venv", tuple(name for name in NEEDED if name != "psutil"))
    finished = compare(*TINY, "--backend", "reference", "--python", f"reference@other={lacking}")
    assert (finished.returncode, finished.stdout) == (2, "")
    remedy = f"{lacking} -m pip install numpy pydantic psutil threadpoolctl"
    assert f"'{lacking}' has no psutil: {remedy}" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("jax", ("jax", "")),
        ("jax@old", ("jax", "old")),
        ("jax@0.9.1", ("jax", "0.9.1")),
        ("some/mine.py@old", ("some/mine.py", "old")),
        ("at@home/mine.py", ("at@home/mine.py", "")),
        ("@old", ("@old", "")),
    ],
)
def test_a_tag_is_what_stands_behind_the_last_at(text: str, parts: tuple[str, str]) -> None:
    assert untagged(text) == parts


def test_a_tagged_row_stands_behind_each_mode_of_its_backend() -> None:
    pythons = {"jax@old": "A", "torch": "B"}
    wanted = [("jax", "jit"), ("torch", ""), ("jax", "eager")]
    assert with_tagged(wanted, pythons) == [
        ("jax", "jit"), ("jax@old", "jit"), ("torch", ""), ("jax", "eager"), ("jax@old", "eager"),
    ]  # fmt: skip
    asked = [("jax", "jit"), ("jax@old", "eager")]
    assert with_tagged(asked, pythons) == asked
    names = ["jax", "jax@old", "torch"]
    assert interpreter_of_each(pythons, names) == {"jax@old": "A", "torch": "B"}


def test_a_tag_without_an_interpreter_is_told() -> None:
    with pytest.raises(UserError, match="'jax@old' has no interpreter: --python jax@old=PYTHON"):
        interpreter_of_each({}, ["jax@old"])
    with pytest.raises(UserError, match="unknown backend 'jx@old' in --python"):
        interpreter_of_each({"jx@old": "A"}, ["jax"])
