"""Sweeps as a user runs them: a run at each crossing, and one report of all."""

import csv
import json
import re
import shlex
import shutil
import signal
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from conftest import ADAPTERS, Compare, begin, command, document, environment, wait_for

from compare.errors import UserError
from compare.planning.sweeps import parse_axes

pytestmark = pytest.mark.xdist_group("sweep")  # what is shared is made once

TINY = ("--task", "lm", "--preset", "tiny", "--steps", "20")
REFERENCE = (*TINY, "--backend", "reference")
TROUBLE = ADAPTERS / "trouble.py"


def run_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        cwd=folder, env=environment(), check=True, capture_output=True, text=True,
    )  # fmt: skip


def test_a_pipe_feeds_every_point_of_a_sweep(tmp_path: Path) -> None:
    """As `--data <(cat book.txt)` does, which can be read once."""
    (tmp_path / "book.txt").write_text("to be or not to be\n" * 200)
    swept = shlex.join(command(*REFERENCE, "--sweep", "train.batch=4,8", "--json"))
    finished = subprocess.run(
        ["bash", "-c", f"{swept} --data <(cat book.txt)"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    tokens = [point["experiment"]["data"]["train_tokens"] for point in points(document(finished))]
    assert tokens[0] == tokens[1] > 1000


def points(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [point["summary"] for point in found["points"]]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_every_crossing_is_trained_and_every_report_shows_it(
    compare: Compare, tmp_path: Path
) -> None:
    crossed = list(product((4, 8, 16), (16, 64)))
    swept = ("--sweep", "train.batch=4,8,16", "--sweep", "model.hidden=16,64")
    printed = compare(*REFERENCE, *swept).stdout
    rates = printed[printed.index("\ntokens/s") : printed.index("\npeak memory")]
    shown = [line.split()[:2] for line in rates.splitlines()[2:]]
    assert shown == [[f"batch={batch}", f"hidden={hidden}"] for batch, hidden in crossed]
    assert "exponent: cost grows as size to its power" in printed

    (folder,) = (tmp_path / "results").iterdir()
    names = [f"batch={batch},hidden={hidden}" for batch, hidden in crossed]
    assert {path.name for path in folder.iterdir() if path.is_dir()} == set(names)
    markdown = (folder / "report.md").read_text()
    for batch, hidden in crossed:
        assert f"| {batch} | {hidden} | reference:numpy | ok |" in markdown
    assert "## How cost grows with size" in markdown
    rows = list(csv.DictReader((folder / "summary.csv").open()))
    assert [(int(row["train.batch"]), int(row["model.hidden"])) for row in rows] == crossed
    assert all(float(row["step_seconds"]) > 0 for row in rows)

    found = document(compare("report", str(folder), "--json"))
    assert [point["name"] for point in found["points"]] == names
    for (batch, hidden), summary in zip(crossed, points(found), strict=True):
        trained = summary["experiment"]
        assert trained["train"]["batch"] == batch
        assert trained["model"]["layers"][1]["hidden"] == hidden
        assert [row["status"] for row in summary["cells"]] == ["ok"]
    assert {(one["field"], one["quantity"], one["points"]) for one in found["scaling"]} == {
        # Of two widths there is a ratio, and no exponent; nor one of windows that are too short.
        ("train.batch", "peak_memory_bytes", 6)
    }
    assert compare("report", str(folder), "--plots", "svg").returncode == 0
    drawn = {path.name: path.read_text("utf-8") for path in (folder / "plots").iterdir()}
    assert {"rate-0.svg", "rate-1.svg", "loss-1.svg"} <= drawn.keys()
    assert all("reference:numpy" in one for one in drawn.values())


@pytest.mark.slow
@pytest.mark.usefixtures("all_cpus")
def test_threads_can_be_swept_and_what_was_at_work_is_shown(
    compare: Compare, tmp_path: Path
) -> None:
    finished = compare(*REFERENCE, "--sweep", "run.threads=1,2")
    assert finished.returncode == 0
    lines = [line.strip() for line in finished.stdout.splitlines()]
    for block in ("busy threads", "cores used"):
        rows = [line.split() for line in lines[lines.index(block) + 1 :][:2]]
        assert [row[0] for row in rows] == ["1", "2"]
        assert all(float(row[1]) > 0 for row in rows)
    pools = [path.read_text() for path in sorted(tmp_path.glob("results/*/*/summary.json"))]
    assert [re.findall(r", (\d threads?)\)", pool) for pool in pools] == [
        ["1 thread"],
        ["2 threads"],
    ]


@pytest.mark.slow
def test_columns_that_some_points_have_stay_in_line(compare: Compare, tmp_path: Path) -> None:
    finished = compare(
        *REFERENCE, "--control", "--sweep", "train.steps=5,20", "--sweep", "run.target=loss=9"
    )
    assert finished.returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    table = [x for x in (folder / "report.md").read_text().splitlines() if x.startswith("|")][:4]
    titles, _, short, long = [[text.strip() for text in row.split("|")[1:-1]] for row in table]
    at = titles.index("of itself")
    assert (short[at], short[titles.index("tokens/s")]) == ("–", "–")  # too few steps to time
    assert "(" in long[at]
    assert "to loss=9" in titles


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with texts and a sweep over them."""
    where = tmp_path_factory.mktemp("books")
    (where / "a").mkdir()
    names = ("a/b.txt", "a-b.txt", f"{'long' * 50}.txt")
    for repeats, name in enumerate(names, 90):
        (where / name).write_text("All of this is short.\n" * repeats)
    run_in(where, *REFERENCE, "--sweep", f"task.data={','.join(names)}")
    return where


def test_folders_of_points_have_names_of_their_own(compare: Compare, books: Path) -> None:
    (folder,) = (books / "results").iterdir()
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 3
    found = document(compare("report", str(folder), "--json"))
    assert len({summary["experiment"]["data_sha256"] for summary in points(found)}) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model.hiden=16,32", "unknown field 'hiden' in section model: did you mean hidden?"),
        ("model.hidden", "--sweep takes SECTION.FIELD=VALUE,VALUE, not 'model.hidden'"),
        ("model.hidden=16,0", "model.hidden takes a whole number of 1 or more, not 0"),
        ("run.budget=1m,0.5s", "--budget 0.5s is too short"),
        (
            "train.batch=4,100000",
            "the validation split has 100,000 tokens, too short for one batch",
        ),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_anything_is_written(
    compare: Compare, tmp_path: Path, text: str, message: str
) -> None:
    finished = compare(*REFERENCE, "--sweep", text)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("text", ["hidden=16", "model.=16", "=16", "model.hidden=,", "a b.c=1", ""])
def test_a_text_that_is_no_sweep_is_told_as_it_was_given(text: str) -> None:
    with pytest.raises(UserError, match="--sweep takes SECTION") as error:
        parse_axes([text])
    assert str(error.value).endswith(f"not '{text}'")


def test_a_field_given_twice_has_all_values_once() -> None:
    found = parse_axes(["train.batch=8, 16", "train.batch=16,32", "task.tokens=words"])
    assert found == {"train.batch": [8, 16, 32], "task.tokens": ["words"]}


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_where_it_stopped(compare: Compare, tmp_path: Path) -> None:
    swept = ("--backend", f"{TROUBLE}:second_waits", "--sweep", "train.batch=4,8,16", "--json")
    going = begin(tmp_path, *TINY, *swept, "--quiet")
    wait_for(tmp_path / "waiting")
    going.send_signal(signal.SIGINT)
    output, errors = going.communicate(timeout=60)
    assert (going.returncode, errors) == (130, "")
    first, second, third = points(json.loads(output))
    assert first["cells"][0]["status"] == "ok"
    assert second["cells"][0]["status"] == "interrupted"
    assert third is None
    (folder,) = (tmp_path / "results").iterdir()
    assert "| 16 | – | not played |" in (folder / "report.md").read_text()
    before = contents(folder / "batch=4")
    cut = (folder / "batch=8" / "records.jsonl").read_bytes()
    (tmp_path / "go_on").touch()
    finished = compare("resume", str(folder), "--json")
    assert finished.returncode == 0, finished.stderr
    assert contents(folder / "batch=4") == before
    assert (folder / "batch=8" / "records.jsonl").read_bytes().startswith(cut)
    rows = [summary["cells"][0] for summary in points(document(finished))]
    assert [row["status"] for row in rows] == ["ok", "ok", "ok"]
    assert [len(row["losses"]) for row in rows] == [20, 20, 20]
    assert points(document(finished))[0] == first


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("data", "its experiment is not what it was: other data_sha256"),
        ("version", "version 0.0.1 made it, and this is"),
        ("manifest", "another version wrote it"),
    ],
)
def test_a_sweep_that_is_not_what_it_was_is_left_alone(
    compare: Compare, tmp_path: Path, books: Path, what: str, message: str
) -> None:
    shutil.copytree(books, tmp_path, dirs_exist_ok=True)
    (folder,) = (tmp_path / "results").iterdir()
    manifest = json.loads((folder / "sweep.json").read_text())
    (folder / manifest["points"][0]["name"] / "records.jsonl").unlink()  # would be played
    match what:
        case "data":
            last = tmp_path / manifest["points"][-1]["values"]["task.data"]
            last.write_text(last.read_text().replace("short", "brief"))
        case "version":
            (folder / "sweep.json").write_text(json.dumps(manifest | {"suite_version": "0.0.1"}))
        case "manifest":
            (folder / "sweep.json").write_text(json.dumps(manifest | {"colour": "blue"}))
    before = contents(tmp_path)
    finished = compare("resume", str(folder))
    assert finished.returncode == 2
    assert message in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert contents(tmp_path) == before
