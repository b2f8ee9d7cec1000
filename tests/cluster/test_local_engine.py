"""What is the same of every engine, shown by the one that needs no cluster."""

import json
import shutil
import signal
from pathlib import Path

import psutil
import pytest
from conftest import ADAPTERS, Compare, begin, document, wait_for

from compare.records.run_folder import RunFolder

TINY = ("--task", "lm", "--preset", "tiny", "--steps", "10")
TWO = (*TINY, "--backend", "reference", "--sweep", "train.batch=2,4")


@pytest.mark.slow
def test_points_are_played_as_they_are_without_an_engine(compare: Compare, tmp_path: Path) -> None:
    finished = compare(*TWO, "--cluster", "local")
    assert finished.returncode == 0, finished.stderr
    assert "0 of 2 points done; batch=2 on this machine" in finished.stderr
    assert "1 of 2 points done; batch=4 on this machine" in finished.stderr
    (folder,) = (tmp_path / "results").iterdir()
    attempts = json.loads((folder / "sweep.json").read_text())["attempts"]
    assert [(one["point"], one["outcome"]) for one in attempts] == [
        ("batch=2", "done"),
        ("batch=4", "done"),
    ]
    shutil.rmtree(folder / "batch=4")
    first = (folder / "batch=2" / "records.jsonl").read_bytes()
    again = compare("resume", str(folder), "--cluster", "local", "--quiet", "--json")
    assert [bool(point["summary"]) for point in document(again)["points"]] == [True, True]
    assert (folder / "batch=2" / "records.jsonl").read_bytes() == first  # it was done


@pytest.mark.slow
def test_what_was_interrupted_comes_back_and_is_gone_on_with(
    compare: Compare, tmp_path: Path
) -> None:
    waits = f"{ADAPTERS / 'trouble.py'}:second_waits"
    swept = (*TINY, "--steps", "20", "--backend", waits, "--sweep", "train.batch=4")
    (tmp_path / "trained").touch()
    going = begin(tmp_path, *swept, "--cluster", "local", "--quiet")
    (folder,) = waited_for(tmp_path)
    going.send_signal(signal.SIGTERM)
    _, errors = going.communicate(timeout=100)
    assert (going.returncode, errors) == (143, "")
    records = (folder / "batch=4" / "records.jsonl").read_bytes()
    assert records
    (tmp_path / "go_on").touch()
    finished = compare("resume", str(folder), "--cluster", "local", "--quiet")
    assert finished.returncode == 0, finished.stderr
    assert (folder / "batch=4" / "records.jsonl").read_bytes().startswith(records)
    attempts = json.loads((folder / "sweep.json").read_text())["attempts"]
    assert [one["outcome"] for one in attempts] == ["interrupted", "done"]


@pytest.mark.slow
def test_a_point_that_is_killed_is_told_keeps_what_it_has_and_is_gone_on_with(
    compare: Compare, tmp_path: Path
) -> None:
    waits = f"{ADAPTERS / 'trouble.py'}:second_waits"
    swept = (*TINY, "--steps", "20", "--backend", waits, "--sweep", "train.batch=4")
    (tmp_path / "trained").touch()
    going = begin(tmp_path, *swept, "--cluster", "local")
    (folder,) = waited_for(tmp_path)
    (played,) = (
        one for one in psutil.Process(going.pid).children(recursive=True)
        if "point" in one.cmdline() and "compare.worker" not in one.cmdline()
    )  # fmt: skip
    played.kill()
    _, errors = going.communicate(timeout=100)
    assert going.returncode == 1
    assert "batch=4 on this machine lost: it was killed there: SIGKILL" in errors
    records = (folder / "batch=4" / "records.jsonl").read_bytes()
    assert records
    (tmp_path / "go_on").touch()
    finished = compare("resume", str(folder), "--cluster", "local", "--quiet")
    assert finished.returncode == 0, finished.stderr
    attempts = json.loads((folder / "sweep.json").read_text())["attempts"]
    assert [one["outcome"] for one in attempts] == ["lost", "done"]


@pytest.mark.slow
def test_a_point_that_another_process_plays_is_left_to_it(compare: Compare, tmp_path: Path) -> None:
    assert compare(*TWO, "--plan-only").returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    with RunFolder(folder / "batch=2").make().alone():
        finished = compare("resume", str(folder), "--cluster", "local")
    assert "batch=2 is left to others: " in finished.stderr
    attempts = json.loads((folder / "sweep.json").read_text())["attempts"]
    assert [(one["point"], one["outcome"]) for one in attempts] == [("batch=4", "done")]


def waited_for(folder: Path) -> list[Path]:
    wait_for(folder / "waiting")
    return list((folder / "results").iterdir())


@pytest.mark.slow
def test_data_that_are_others_where_a_point_is_played_are_told(
    compare: Compare, tmp_path: Path
) -> None:
    (tmp_path / "book.txt").write_text("to be or not to be\n" * 200)
    data = ("--data", "book.txt")
    assert compare(*TWO, *data, "--plan-only").returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    (tmp_path / "book.txt").write_text("to be or not to do\n" * 200)
    told = "the data of 'batch=2' is not on this machine what it was where the sweep was planned"
    alone = compare("point", str(folder), "1", "--quiet")
    assert alone.returncode == 2
    assert told in alone.stderr
    spread = compare("resume", str(folder), "--cluster", "local")
    assert spread.returncode == 1  # nothing was played
    assert "batch=2 on this machine failed: " in spread.stderr
    assert told in spread.stderr
    (attempt,) = json.loads((folder / "sweep.json").read_text())["attempts"]
    assert told in attempt["why"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*TWO, "--cluster", "locl"), "unknown engine 'locl' in --cluster: did you mean local?"),
        ((*TWO, "--cluster", "local="), "--cluster takes local or local=ADDRESS, not 'local='"),
        ((*TINY, "--cluster", "local"), "--cluster is of a --sweep"),
    ],
)
def test_what_is_no_cluster_is_told_in_one_line(
    compare: Compare, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    finished = compare(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert told in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()
