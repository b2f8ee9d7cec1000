"""Runs that were cut off, or went wrong, are taken up again: nothing finished is played twice."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    ADAPTERS,
    Compare,
    begin,
    cell,
    command,
    document,
    environment,
    on_a_terminal,
    wait_for,
)

from compare.records.record_types import KeptRound
from compare.records.run_folder import RunFolder
from compare.running.resumption import is_whole

TROUBLE = (ADAPTERS / "trouble.py").read_text()
TINY = ("--task", "lm", "--preset", "tiny", "--steps", "20", "--json")
TIMES = "It was the best of times, it was the worst of times.\n"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, an adapter and a run of it that went well."""
    where = tmp_path_factory.mktemp("whole")
    (where / "book.txt").write_text(TIMES * 40)
    (where / "trouble.py").write_text(TROUBLE)
    asked = ("--data", "book.txt", "--backend", "reference,trouble.py:none")
    subprocess.run(
        command(*TINY, *asked), cwd=where, env=environment(), check=True, capture_output=True
    )
    return where


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """The run in a copy of that folder."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    (found,) = (tmp_path / "results").iterdir()
    return found


def records(run: Path) -> Path:
    return run / "records.jsonl"


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in records(run).read_text().splitlines()]


def played(run: Path, backend: str) -> list[tuple[str, int]]:
    """Kind and round of all that was recorded of a backend, its echo and its control left out."""
    name = {"backend": backend, "echo": False, "control": False}
    return [
        (one["kind"], one["round"])
        for one in lines(run)
        if name.items() <= one.get("cell", {}).items()
    ]


def rewrite(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every record in place."""
    found = lines(run)
    for one in found:
        change(one)
    records(run).write_text("".join(json.dumps(one) + "\n" for one in found))


def with_header(run: Path, **fields: Any) -> None:
    def change(record: dict[str, Any]) -> None:
        if record["kind"] == "header":
            record |= fields

    rewrite(run, change)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_whole_run_is_reported_again_and_nothing_is_added(compare: Compare, run: Path) -> None:
    before = contents(run)
    found = document(compare("resume", str(run), "--json"))
    assert contents(run) == before
    assert found == document(compare("report", str(run), "--json"))
    assert [row["status"] for row in found["cells"]] == ["ok", "ok"]


@pytest.mark.slow
def test_a_run_with_more_rounds_than_it_needs_is_whole(compare: Compare, tmp_path: Path) -> None:
    """As a precision leaves it, which goes on beyond the rounds that were asked for."""
    compare(*TINY, "--rounds", "2", "--backend", "reference")
    (folder,) = (tmp_path / "results").iterdir()

    def ask_for_one(record: dict[str, Any]) -> None:
        if record["kind"] == "header":
            record["run"]["rounds"] = 1
            record["request"]["overrides"].append({"run": {"rounds": 1}})

    rewrite(folder, ask_for_one)
    before = records(folder).read_bytes()
    assert compare("resume", str(folder), "--json").returncode == 0
    assert records(folder).read_bytes() == before


def test_the_order_of_the_backends_does_not_matter(compare: Compare, run: Path) -> None:
    request = lines(run)[0]["request"]
    with_header(run, request=request | {"backends": request["backends"][::-1]})
    before = records(run).read_bytes()
    assert compare("resume", str(run)).returncode == 0
    assert records(run).read_bytes() == before


@pytest.mark.parametrize("what", ["source", "versions"])
def test_a_changed_adapter_is_played_again_and_no_other(
    compare: Compare, tmp_path: Path, run: Path, what: str
) -> None:
    def older(record: dict[str, Any]) -> None:
        if record["kind"] == "opened" and record["cell"]["backend"] == "trouble":
            record["versions"] = {"trouble": "0.9"}

    if what == "source":
        (tmp_path / "trouble.py").write_text(TROUBLE + "# changed\n")
    else:
        rewrite(run, older)
    before, reference, trouble = (
        records(run).read_bytes(), played(run, "reference"), played(run, "trouble"),
    )  # fmt: skip
    finished = compare("resume", str(run), "--json")
    assert finished.returncode == 0, finished.stderr
    assert records(run).read_bytes().startswith(before)  # only added to
    assert played(run, "reference") == reference
    assert played(run, "trouble") == trouble + [(kind, 2) for kind, _ in trouble]
    found = document(finished)
    assert [row["status"] for row in found["cells"]] == ["ok", "ok"]
    assert cell(found, "trouble")["losses"] == cell(found, "reference")["losses"]
    assert cell(found, "trouble")["max_loss_difference"] == 0.0
    assert found["comparisons"] == []  # they were not timed together
    assert any("played at different times" in note["text"] for note in found["notes"])


def test_another_machine_plays_every_cell_again(compare: Compare, run: Path) -> None:
    with_header(run, machine=lines(run)[0]["machine"] | {"cpu": "another"})
    before = {name: played(run, name) for name in ("reference", "trouble")}
    found = document(compare("resume", str(run), "--json"))
    for name, once in before.items():
        assert played(run, name) == once + [(kind, 2) for kind, _ in once]
    assert len(found["comparisons"]) == 1


@pytest.mark.slow
def test_a_failed_backend_is_played_again_once_it_is_mended(
    compare: Compare, tmp_path: Path
) -> None:
    adapter = tmp_path / "trouble.py"
    adapter.write_text(TROUBLE)
    assert compare(*TINY, "--backend", "reference,trouble.py:raises").returncode == 1
    (run,) = (tmp_path / "results").iterdir()
    reference = played(run, "reference")
    adapter.write_text(TROUBLE.replace('case "raises":', 'case "never":'))
    finished = compare("resume", str(run), "--json")
    assert finished.returncode == 0, finished.stderr
    assert played(run, "reference") == reference
    assert [row["status"] for row in document(finished)["cells"]] == ["ok", "ok"]
    assert not (run / "inputs").exists()  # kept to replay what had failed, which now went well


def test_what_a_crash_cut_short_is_cut_off_and_played_again(compare: Compare, run: Path) -> None:
    whole = records(run).read_bytes()
    end = whole.index(b'{"kind":"ended"')
    records(run).write_bytes(whole[: end + 30])  # in the middle of the line
    (run / "inputs").mkdir()  # as they are while they are written
    (run / "inputs" / "experiment.json").write_text("{")
    finished = compare("resume", str(run), "--json")
    assert finished.returncode == 0, finished.stderr
    assert records(run).read_bytes().startswith(whole[:end] + b'{"kind":"resumed"')
    assert [row["status"] for row in document(finished)["cells"]] == ["ok", "ok"]


@pytest.mark.slow
def test_what_was_skipped_and_still_would_be_is_finished(compare: Compare, tmp_path: Path) -> None:
    trouble = ADAPTERS / "trouble.py"
    compare(*TINY, "--backend", f"reference,{trouble}:missing,{trouble}:unsupported")
    (run,) = (tmp_path / "results").iterdir()
    before = records(run).read_bytes()
    finished = compare("resume", str(run), "--json")
    assert finished.returncode == 0
    assert records(run).read_bytes() == before
    statuses = [row["status"] for row in document(finished)["cells"]]
    assert statuses == ["ok", "skipped", "skipped"]


@pytest.mark.slow
def test_ctrl_c_in_a_round_leaves_that_round_to_be_played(compare: Compare, tmp_path: Path) -> None:
    waits = str(ADAPTERS / "trouble.py") + ":second_waits"
    going = begin(tmp_path, *TINY, "--backend", waits, "--rounds", "2", "--quiet")
    wait_for(tmp_path / "waiting")
    (run,) = (tmp_path / "results").iterdir()
    before = contents(run)
    other = compare("resume", str(run))
    assert (other.returncode, len(other.stderr.splitlines())) == (2, 1)
    assert "is being played by another process" in other.stderr
    assert contents(run) == before
    going.send_signal(signal.SIGINT)
    output, errors = going.communicate(timeout=60)
    assert (going.returncode, errors) == (130, "")
    assert [row["status"] for row in json.loads(output)["cells"]] == ["interrupted"]
    cut = records(run).read_bytes()
    (tmp_path / "go_on").touch()
    finished = compare("resume", str(run), "--json")
    assert finished.returncode == 0, finished.stderr
    assert records(run).read_bytes().startswith(cut)
    ended = [(one["round"], one["status"]) for one in lines(run) if one["kind"] == "ended"]
    assert ended == [(1, "ok"), (2, "interrupted"), (3, "ok")]
    (row,) = document(finished)["cells"]
    assert (row["status"], len(row["losses"])) == ("ok", 20)


def test_a_round_beyond_those_that_are_needed_may_be_left_unfinished(run: Path) -> None:
    """As when a precision is sought from round to round: it is taken away, and not played."""
    from compare.planning.plan import make_plan
    from compare.records.record_types import header_of

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(run.parent.parent)
        found = RunFolder(run).records()
        request = header_of(found).request
        assert request is not None
        plan = make_plan(request, [])
    kept = [KeptRound(cell=name, round=1) for name in plan.cells]
    assert is_whole(found, plan, kept)
    begun = [one.model_copy(update={"round": 2}) for one in found if one.kind == "opened"]
    assert not is_whole([*found, *begun], plan, kept)


@pytest.mark.slow
def test_a_run_is_gone_on_with_from_another_folder(run: Path, whole: Path) -> None:
    """Its data and its adapter were named as they lie where it was begun."""
    written = records(run).read_text().splitlines(keepends=True)
    records(run).write_text(written[0])
    assert lines(run)[0]["request"]["folder"] == str(whole)
    (run.parent.parent / "book.txt").unlink()  # of the copy
    elsewhere = run.parent / "elsewhere"
    elsewhere.mkdir()
    finished = subprocess.run(
        command("resume", f"../{run.name}", "--json"),
        cwd=elsewhere, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert [row["status"] for row in document(finished)["cells"]] == ["ok", "ok"]
    assert document(finished)["experiment"]["data"]["source"] == "book.txt"
    assert list(elsewhere.iterdir()) == []


@pytest.mark.slow
def test_a_terminal_shows_what_is_played(run: Path) -> None:
    written = records(run).read_text().splitlines(keepends=True)
    records(run).write_text(written[0])  # cut off before anything was played
    shown = on_a_terminal(run.parent.parent, "resume", str(run))
    assert "20/20" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nothing", "is no run folder"),
        ("version", "version 0.0.1 made it, and this is"),
        ("schema", "cannot be resumed: it is of a newer schema (99)"),
        ("records", "cannot be read: its header is damaged, colour"),
        ("data", "its experiment is not what it was: other data"),
        ("backends", "its experiment is not what it was: other backends"),
    ],
)
def test_what_cannot_be_resumed_is_told_in_one_line_and_left_alone(
    compare: Compare, tmp_path: Path, run: Path, what: str, message: str
) -> None:
    match what:
        case "nothing":
            records(run).write_text('{"kind":"header","schema')  # not even its first line is whole
        case "version":
            with_header(run, suite_version="0.0.1")
        case "schema":
            with_header(run, schema_version=99)
        case "records":
            rewrite(run, lambda record: record.update(colour="blue"))
        case "data":
            (tmp_path / "book.txt").write_text(TIMES.replace("worst", "age") * 40)
        case "backends":
            with_header(run, request=lines(run)[0]["request"] | {"backends": ["reference"]})
    before = contents(tmp_path)
    finished = compare("resume", str(run))
    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 1
    assert message in finished.stderr
    assert contents(tmp_path) == before
