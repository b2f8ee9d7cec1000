"""What is printed, wherever the standard streams lead."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import Compare, command, document, environment
from fake_records import played

from compare.records.record_types import Ended
from compare.records.run_folder import RunFolder

NOT_ASCII = ["compare", "--data", "é字🦜"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return played(tmp_path / "run", 1, "1.0", 1.0, command=NOT_ASCII).path


def test_whoever_reads_the_first_lines_only_sees_no_error(run: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does once it has enough
    report = subprocess.run(
        command("report", str(run)), env=environment(), stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert (report.returncode, report.stderr) == (0, b"")


def test_output_that_has_no_room_is_told_in_one_line(run: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        report = subprocess.run(
            command("report", str(run)),
            env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    told = "compare: cannot write to standard output: No space left on device\n"
    assert (report.returncode, report.stderr) == (2, told)


@pytest.mark.slow
def test_what_an_encoding_cannot_write_stands_there_in_ascii(run: Path) -> None:
    def shown(encoding: str, *more: str) -> str:
        report = subprocess.run(
            command("report", str(run), *more),
            env=environment() | {"PYTHONIOENCODING": encoding}, capture_output=True, check=True,
        )  # fmt: skip
        return report.stdout.decode(encoding)

    full, plain = shown("utf-8", "--wide"), shown("ascii", "--wide")
    assert "–" in full
    assert "é字🦜" in full
    interval = next(word for word in full.split() if "–" in word)
    assert interval.replace("–", "-") in plain
    assert json.loads(shown("ascii", "--json")) == json.loads(shown("utf-8", "--json"))


def test_a_run_whose_streams_are_closed_is_whole(tmp_path: Path) -> None:
    """No file may take the number of one: what libraries print would be written into it."""
    tiny = ("--task", "lm", "--preset", "tiny", "--steps", "8", "--backend", "reference")
    finished = subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command(*tiny)], cwd=tmp_path, env=environment()
    )
    assert finished.returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    ends = [one for one in RunFolder(folder).records() if isinstance(one, Ended)]
    assert {end.status for end in ends} == {"ok"}
    assert (folder / "report.md").is_file()


def test_an_error_is_one_line_whatever_the_names_in_it(compare: Compare) -> None:
    finished = compare("report", "no\nsuch \x1b[31mfolder")
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1
    assert "no\\nsuch \\x1b[31mfolder" in finished.stderr


@pytest.mark.slow
def test_folders_of_any_name_are_read_and_written(compare: Compare, tmp_path: Path) -> None:
    played(tmp_path / "a [b] {c} *", 1, "1.0", 1.0)
    played(tmp_path / "plain", 2, "1.0", 1.0).path.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    for name in (b"a [b] {c} *", b"caf\xe9"):
        report = subprocess.run(
            [*map(os.fsencode, command("report")), name, b"--out", name + b" \xff new"],
            cwd=tmp_path, env=environment(), capture_output=True,
        )  # fmt: skip
        assert (report.returncode, report.stderr) == (0, b"")
        assert (tmp_path / os.fsdecode(name + b" \xff new") / "report.html").is_file()
        assert b"\\xff new" in report.stdout
    found = document(compare("history", ".", "--json"))
    assert {row["run"] for row in found["rows"]} == {"a [b] {c} *", "caf\\xe9"}
