"""`compare suite` as a user runs it: cut off, taken up again in the same folder, and its table."""

import json
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from conftest import ADAPTERS, ROOT, Compare, begin, command, document, environment, wait_for

pytestmark = pytest.mark.xdist_group("suite")  # what is shared is made once

TASKS = ("lm", "sentiment", "summarization", "translation")
TROUBLE = f"{ADAPTERS / 'trouble.py'}:second_waits"
SUITE = (
    "suite", "--preset", "tiny", "--backend", TROUBLE, "--out", "own", "--set", "train.steps=20",
)  # fmt: skip


class Played(NamedTuple):
    """A suite that was cut off while its second task was trained, and then went on."""

    where: Path
    cut_off: "subprocess.CompletedProcess[str]"
    before: dict[str, bytes]
    finished: "subprocess.CompletedProcess[str]"


def in_folder(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    where = tmp_path_factory.mktemp("suite")
    going = begin(where, *SUITE, "--json", "--quiet")
    wait_for(where / "waiting")
    going.send_signal(signal.SIGINT)
    output, errors = going.communicate(timeout=120)
    cut_off = subprocess.CompletedProcess([], going.returncode, output, errors)
    before = {
        path.parent.name: path.read_bytes() for path in (where / "own").glob("*/records.jsonl")
    }
    (where / "go_on").touch()
    return Played(where, cut_off, before, in_folder(where, "resume", "own"))


def rows(text: str) -> dict[str, Any]:
    return {row["task"]: row["cells"] for row in json.loads(text)["rows"]}


@pytest.mark.slow
def test_what_was_cut_off_is_told_with_how_to_go_on(played: Played) -> None:
    assert played.cut_off.returncode == 130
    (line,) = played.cut_off.stderr.splitlines()
    assert line == "compare: go on with: compare resume own"
    statuses = {
        task: [cell["status"] for cell in cells.values()]
        for task, cells in rows(played.cut_off.stdout).items()
    }
    assert statuses == {"lm": ["ok"], "sentiment": ["interrupted"]}


@pytest.mark.slow
def test_it_goes_on_where_it_stopped_and_ends_in_the_table(played: Played) -> None:
    assert played.finished.returncode == 0, played.finished.stderr
    folders = {path.parent.name: path for path in (played.where / "own").glob("*/records.jsonl")}
    assert sorted(name.partition("-")[0] for name in folders) == list(TASKS)
    lm, sentiment = sorted(played.before)
    assert folders[lm].read_bytes() == played.before[lm]
    assert folders[sentiment].read_bytes().startswith(played.before[sentiment])
    for task in TASKS:
        assert f"  {task} tiny " in played.finished.stdout
    assert played.finished.stdout.endswith("Report: own/report.html\n")


def test_every_cell_leads_to_the_report_of_its_run(played: Played) -> None:
    own = played.where / "own"
    for name, pattern in (("report.md", r"\]\(([^)]+)\)"), ("report.html", r'href="([^"]+)"')):
        links = {unquote(link) for link in re.findall(pattern, (own / name).read_text())}
        assert {link.partition("-")[0] for link in links} == set(TASKS)
        assert all((own / link).is_file() for link in links)


def test_the_folder_has_the_same_table_afterwards(played: Played) -> None:
    again = in_folder(played.where, "report", "own")
    assert again.returncode == 0
    printed, _ = played.finished.stdout.split("Report: own/report.html\n")
    assert again.stdout == printed


@pytest.mark.slow
@pytest.mark.parametrize("again", [SUITE, ("resume", "own")])
def test_finished_it_plays_nothing_again(played: Played, again: tuple[str, ...]) -> None:
    before = {p: p.read_bytes() for p in (played.where / "own").rglob("records.jsonl")}
    found = document(in_folder(played.where, *again, "--json"))
    assert [row["task"] for row in found["rows"]] == list(TASKS)
    assert before == {p: p.read_bytes() for p in (played.where / "own").rglob("records.jsonl")}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "train.steps=21"), "was asked for otherwise (overrides.1.train.steps: 20 and"),
        (("--backend", "reference"), "was asked for otherwise (backends.0: "),
    ],
)
def test_a_folder_is_of_one_suite(played: Played, arguments: tuple[str, ...], told: str) -> None:
    finished = in_folder(played.where, *SUITE, *arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    (line,) = finished.stderr.splitlines()
    assert told in line
    assert line.endswith("--out takes another folder")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--preset", "gpt"), "unknown preset 'gpt' in task sentiment"),
        (("--preset", "tiny", "--set", "model.hiden=3"), "unknown field 'hiden'"),
        (("--preset", "tiny", "--out", "/proc/none"), "cannot write to '/proc/none'"),
    ],
)
def test_what_cannot_be_played_is_told_before_anything_is_written(
    compare: Compare, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    finished = compare("suite", "--backend", "reference", "--quiet", *arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    (line,) = finished.stderr.splitlines()
    assert told in line
    assert not (tmp_path / "results").exists()


def test_a_run_s_folder_is_no_suite_s(played: Played) -> None:
    (run,) = (played.where / "own").glob("lm-*")
    finished = in_folder(played.where, "suite", "--preset", "tiny", "--out", str(run))
    assert finished.returncode == 2
    assert "is a run or a sweep: a suite takes a folder of its own" in finished.stderr


def documented() -> list[list[str]]:
    """The commands of the README and its page that play or show a suite."""
    pages = ("README.md", "docs/results.md")
    text = "\n".join((ROOT / page).read_text("utf-8") for page in pages)
    lines = re.findall(
        r"^    compare ((?:suite|report results/(?:suite|ONE)|history).*)$", text, re.M
    )
    return [shlex.split(line) for line in dict.fromkeys(lines)]


@pytest.mark.slow
def test_the_documented_commands_do_what_the_page_says(played: Played, tmp_path: Path) -> None:
    shutil.copytree(played.where, tmp_path, dirs_exist_ok=True)
    (tmp_path / "results").mkdir()
    (tmp_path / "own").rename(tmp_path / "results" / "suite")
    one, other, *_ = sorted((tmp_path / "results" / "suite").glob("*-tiny-*"))
    names = {"ONE": f"suite/{one.name}", "OTHER": f"suite/{other.name}"}
    commands = documented()
    assert {line[0] for line in commands} == {"suite", "report", "history"}
    for line in commands:
        asked = [re.sub(r"\b(ONE|OTHER)\b", lambda m: names[m[1]], word) for word in line]
        quick = SUITE[1:] if line[0] == "suite" else ()
        out = ("--out", "results/suite") if line[0] == "suite" else ()
        finished = in_folder(tmp_path, *asked, *quick, *out)
        assert finished.returncode == 0, (line, finished.stderr)
    assert {path.name for path in (tmp_path / "paper").iterdir()} == {"report.tex", "report.html"}
