"""The points of a sweep, each played by a process of its own."""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Compare, begin, command, document, environment, wait_for

PLANNED = (
    "--task", "lm", "--preset", "tiny", "--backend", "reference", "--steps", "10", "--quiet",
    "--sweep", "train.batch=2,4,8", "--plan-only",
)  # fmt: skip


@pytest.fixture
def sweep(compare: Compare, tmp_path: Path) -> Path:
    finished = compare(*PLANNED)
    assert finished.returncode == 0, finished.stderr
    assert "compare point" in finished.stdout
    (folder,) = (tmp_path / "results").iterdir()
    assert [path.name for path in folder.iterdir()] == ["sweep.json"]  # and nothing is played
    return folder


def played(sweep: Path) -> list[str]:
    return sorted(path.parent.name for path in sweep.glob("*/records.jsonl"))


def test_a_point_is_played_and_nothing_else(compare: Compare, sweep: Path) -> None:
    found = document(compare("point", str(sweep), "2", "--json"))
    assert found["experiment"]["train"]["batch"] == 4
    assert played(sweep) == ["batch=4"]
    again = compare("point", str(sweep), "2", "--quiet")  # it is whole: nothing is added
    assert again.returncode == 0
    records = (sweep / "batch=4" / "records.jsonl").read_text()
    assert records.count('"kind":"header"') == 1
    assert '"kind":"resumed"' not in records
    report = compare("report", str(sweep))
    assert report.returncode == 0, report.stderr
    assert "not played" in report.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("point", "{sweep}", "4"), "has no point 4: they are numbered 1 to 3"),
        (("point", "{sweep}", "0"), "number takes a number of 1 or more, not '0'"),
        (("point", "nowhere", "1"), "'nowhere' is no sweep"),
        ((*PLANNED[:-3], "--plan-only"), "--plan-only is of a --sweep"),
    ],
)
def test_what_is_no_point_is_told_in_one_line(
    compare: Compare, sweep: Path, arguments: tuple[str, ...], told: str
) -> None:
    finished = compare(*(part.format(sweep=sweep) for part in arguments))
    assert (finished.returncode, finished.stdout) == (2, "")
    assert told in finished.stderr
    assert played(sweep) == []


@pytest.mark.slow
def test_processes_that_race_for_points_do_not_meet(sweep: Path, tmp_path: Path) -> None:
    """As a batch system starts them, and twice each, as one that retries may."""
    racing = [
        subprocess.Popen(
            command("point", str(sweep), str(number), "--quiet"), cwd=tmp_path, env=environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for number in (1, 2, 3, 1, 2, 3)
    ]  # fmt: skip
    errors = [one.communicate(timeout=300)[1] for one in racing]
    codes = [one.returncode for one in racing]
    assert set(codes) <= {0, 2}
    for code, error in zip(codes, errors, strict=True):
        assert (code == 2) == ("is being played by another process" in error), error
    assert played(sweep) == ["batch=2", "batch=4", "batch=8"]
    for path in sweep.glob("*/records.jsonl"):
        kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
        assert kinds.count("header") == 1
        assert kinds.count("built") == 1  # whoever came second had nothing to do


@pytest.mark.slow
def test_a_point_that_was_stopped_is_gone_on_with(
    compare: Compare, sweep: Path, tmp_path: Path
) -> None:
    """As a time limit stops it."""
    process = begin(tmp_path, "point", str(sweep), "3", "--quiet")
    wait_for(sweep / "batch=8" / "records.jsonl")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in (0, 143)  # it may have been done
    assert compare("point", str(sweep), "3", "--quiet").returncode == 0
    report = compare("report", str(sweep), "--json")
    found = document(report)
    assert [bool(point["summary"]) for point in found["points"]] == [False, False, True]


@pytest.mark.slow
def test_the_lines_of_the_page_run(compare: Compare, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "sweeps.md").read_text("utf-8").partition("## On many machines")[2]
    page = page.partition("\n## ")[0]
    planned, point, report = re.findall(r"^    (compare .+)$", page, re.MULTILINE)
    quick = ["--preset", "tiny", "--backend", "reference", "--steps", "10"]
    assert compare(*planned.split()[1:], *quick).returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    for line in (point, report):
        words = line.replace("results/SWEEP", str(folder)).split()[1:]
        assert compare(*words).returncode == 0, line
    (loop,) = re.findall(r"\| a shell \| `(.+)` \|", page)
    script = loop.replace("results/SWEEP", str(folder))
    own = " ".join(command())
    done = subprocess.run(
        ["bash", "-ec", script.replace("compare point", f"{own} point")],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(played(folder)) == 4
