"""Runs that were cut off, or went wrong, are taken up again: nothing finished is played twice."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ADAPTERS, Compare, cell, document

TROUBLE = (ADAPTERS / "trouble.py").read_text()
TINY = ("--task", "lm", "--preset", "tiny", "--steps", "20", "--json")


def records_of(tmp_path: Path) -> Path:
    (found,) = tmp_path.glob("results/*/records.jsonl")
    return found


def kinds(path: Path, backend: str) -> list[str]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [r["kind"] for r in lines if r.get("cell", {}).get("backend") == backend]


def edited(path: Path, **fields: Any) -> None:
    """Change fields of a run's header."""
    header, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(header) | fields), *rest]) + "\n")


def test_a_failed_cell_is_played_again_once_its_adapter_is_mended(
    compare: Compare, tmp_path: Path
) -> None:
    adapter = tmp_path / "trouble.py"
    adapter.write_text(TROUBLE)
    assert compare(*TINY, "--backend", "reference,trouble.py:raises").returncode == 1
    path = records_of(tmp_path)
    before, played = path.read_bytes(), kinds(path, "reference")
    adapter.write_text(TROUBLE.replace('case "raises":', 'case "never":'))
    finished = compare("resume", str(path.parent), "--json")
    assert finished.returncode == 0, finished.stderr
    assert path.read_bytes().startswith(before)  # only added to
    assert kinds(path, "reference") == played
    found = document(finished)
    assert [row["status"] for row in found["cells"]] == ["ok", "ok"]
    assert cell(found, "trouble")["losses"] == cell(found, "reference")["losses"]
    assert found["comparisons"] == []  # they were not played together
    assert any("played at different times" in note for note in found["notes"])


def test_a_whole_run_is_reported_again_and_nothing_is_added(
    compare: Compare, tmp_path: Path
) -> None:
    first = document(compare(*TINY, "--backend", "reference"))
    path = records_of(tmp_path)
    before = path.read_bytes()
    assert document(compare("resume", str(path.parent), "--json")) == first
    assert path.read_bytes() == before
    assert document(compare("report", str(path.parent), "--json")) == first


def test_rounds_that_are_missing_are_played(compare: Compare, tmp_path: Path) -> None:
    compare(*TINY, "--backend", "reference", "--rounds", "2")
    path = records_of(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    last = max(i for i, line in enumerate(lines) if '"kind":"ended"' in line)
    path.write_text("".join(lines[:last]))
    assert compare("resume", str(path.parent)).returncode == 0
    ended = [json.loads(x) for x in path.read_text().splitlines() if '"kind":"ended"' in x]
    assert [(one["round"], one["status"]) for one in ended] == [(1, "ok"), (3, "ok")]


def test_another_environment_makes_every_cell_play_again(compare: Compare, tmp_path: Path) -> None:
    compare(*TINY, "--backend", "reference")
    path = records_of(tmp_path)
    header = json.loads(path.read_text().splitlines()[0])
    edited(path, machine=header["machine"] | {"cpu": "another"})
    played = kinds(path, "reference")
    assert compare("resume", str(path.parent)).returncode == 0
    assert kinds(path, "reference") == played * 2


def test_the_order_of_the_backends_does_not_matter(compare: Compare, tmp_path: Path) -> None:
    compare(*TINY, "--backend", f"reference,{ADAPTERS / 'trouble.py'}:none")
    path = records_of(tmp_path)
    header = json.loads(path.read_text().splitlines()[0])
    request = header["request"] | {"backends": header["request"]["backends"][::-1]}
    edited(path, request=request)
    before = path.read_bytes()
    assert compare("resume", str(path.parent)).returncode == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["nothing", "version", "schema", "data"])
def test_what_cannot_be_resumed_is_told_in_one_line_and_left_alone(
    compare: Compare, tmp_path: Path, what: str
) -> None:
    book = tmp_path / "book.txt"
    book.write_text("It was the best of times, it was the worst of times.\n" * 40)
    if what == "nothing":
        finished = compare("resume", str(tmp_path))
        assert (finished.returncode, "is no run folder" in finished.stderr) == (2, True)
        return
    compare(*TINY, "--backend", "reference", "--data", "book.txt")
    path = records_of(tmp_path)
    if what == "version":
        edited(path, suite_version="0.0.1")
    elif what == "schema":
        path.write_text(re.sub(r'"schema_version":\d+', '"schema_version":99', path.read_text()))
    else:
        book.write_text("It was the age of wisdom, it was the age of foolishness.\n" * 40)
    before = {p: p.read_bytes() for p in path.parent.rglob("*") if p.is_file()}
    finished = compare("resume", str(path.parent))
    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 1
    expected = {
        "version": "version 0.0.1 made it",
        "schema": "another version wrote it",
        "data": "its experiment is not what it was (",
    }
    assert expected[what] in finished.stderr
    assert {p: p.read_bytes() for p in path.parent.rglob("*") if p.is_file()} == before
