"""Figures over time: series, upgrades between them, and folders that cannot be read."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Compare, document
from fake_records import START, A, B, header, played

from compare.archive.brief import brief_of
from compare.archive.frame import load
from compare.archive.history import History, HistoryRow, read_history
from compare.commands.history import history
from compare.errors import UserError
from compare.records.record_types import Ended
from compare.records.run_folder import RunFolder
from compare.version import VERSION


@pytest.fixture
def results(tmp_path: Path) -> Path:
    played(tmp_path / "c", 3, "2.0", 0.5)
    played(tmp_path / "a", 1, "1.0", 1.0)
    played(tmp_path / "deep" / "down" / "b", 2, "1.0", 1.1)
    played(tmp_path / "d", 4, "2.0", 0.44)
    played(tmp_path / "other", 2, "9.0", 1.0, cell=B)
    return tmp_path


def by_run(found: History) -> dict[str, HistoryRow]:
    return {row.run: row for row in found.rows}


def test_rows_are_in_series_with_upgrades_marked(results: Path) -> None:
    whole_history = read_history(results)
    assert [row.run for row in whole_history.rows] == ["a", "deep/down/b", "c", "d", "other"]
    assert [row.upgrade for row in whole_history.rows] == ["", "", "fast 1.0 -> 2.0", "", ""]
    found = by_run(whole_history)
    assert [row.ratio_to_before is None for row in whole_history.rows] == [
        True,
        True,
        False,
        False,
        True,
    ]
    for run, ratio in (("c", 1.1 / 0.5), ("d", 1.1 / 0.44)):  # to the last of the versions before
        before = found[run].ratio_to_before
        assert before is not None
        assert before.low is not None
        assert before.high is not None
        assert before.value == pytest.approx(ratio)
        assert before.low < ratio < before.high
    assert found["a"].tokens_per_second == brief_of(results / "a").run.cells[0].tokens_per_second


def test_run_folders_may_be_links_to_where_there_is_more_room(tmp_path: Path) -> None:
    played(tmp_path / "disk" / "far", 1, "1.0", 1.0)
    played(tmp_path / "results" / "near", 2, "1.0", 1.0)
    (tmp_path / "results" / "linked").symlink_to(tmp_path / "disk" / "far")
    (tmp_path / "results" / "again").symlink_to("near")  # once is enough
    (tmp_path / "results" / "others").symlink_to(tmp_path / "disk")  # a folder, and no run
    found = read_history(tmp_path / "results")
    assert [row.run for row in found.rows] == ["linked", "near"]
    assert found.copies == []
    assert sorted(load(tmp_path / "results")["run_id"]) == ["far", "near"]
    (tmp_path / "link").symlink_to(tmp_path / "results")
    assert len(load(tmp_path / "link")) == 2


def test_other_experiments_and_machines_are_other_series(tmp_path: Path) -> None:
    played(tmp_path / "a", 1, "1.0", 1.0)
    played(tmp_path / "b", 2, "2.0", 1.0, machine={"cpu": "another", "cpus": 2})
    played(tmp_path / "c", 3, "2.0", 1.0, fingerprint="0" * 64)
    threads = header(A, threads=64).run
    played(tmp_path / "d", 4, "2.0", 1.0, run=threads)
    whole_history = read_history(tmp_path)
    assert len({row.series for row in whole_history.rows}) == 4
    assert not any(row.upgrade or row.ratio_to_before for row in whole_history.rows)


def test_a_cell_that_never_opened_is_listed_and_interrupts_no_series(results: Path) -> None:
    records = [
        header(A).model_copy(update={"started": START + timedelta(days=2.5)}),
        Ended(cell=A, round=1, status="failed", reason="no memory"),
    ]
    run = RunFolder(results / "failed").make()
    for record in records:
        run.append(record)
    whole_history = read_history(results)
    assert by_run(whole_history)["failed"].status == "failed"
    assert by_run(whole_history)["c"].upgrade == "fast 1.0 -> 2.0"
    assert by_run(whole_history)["c"].ratio_to_before is not None


def test_it_can_be_narrowed(results: Path) -> None:
    assert {row.backend for row in read_history(results, backends=["b"]).rows} == {"b"}
    assert {row.backend for row in read_history(results, backends=["a:m"]).rows} == {"a"}
    assert read_history(results, task="translation").rows == []
    assert len(read_history(results, task="lm").rows) == 5


def test_what_cannot_be_read_is_named_and_nothing_is_changed(results: Path) -> None:
    (results / "foreign").mkdir()
    (results / "foreign" / "records.jsonl").write_text('{"kind":"cake"}\n')
    (results / "empty").mkdir()
    (results / "empty" / "records.jsonl").touch()
    newer = json.loads((results / "a" / "records.jsonl").read_text().splitlines()[0])
    shutil.copytree(results / "a", results / "newer")
    (results / "newer" / "summary.json").unlink()
    newer["schema_version"] = 99
    (results / "newer" / "records.jsonl").write_text(json.dumps(newer) + "\n")
    with (results / "c" / "records.jsonl").open("a") as file:
        file.write("cake\n")
    (results / "loop").symlink_to(results)
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    whole_history = read_history(results)
    assert len(whole_history.rows) == 6  # of the newer one its header alone
    assert [line.split("'")[1] for line in whole_history.unreadable] == [
        str(results / name) for name in ("c", "empty", "foreign", "newer")
    ]
    assert before == {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="is no folder"):
        read_history(results / "nowhere")


def test_a_stored_summary_that_is_out_of_date_is_not_believed(results: Path) -> None:
    path = results / "a" / "summary.json"
    stored = json.loads(path.read_text())
    right = brief_of(results / "a")
    for change in ({"records_sha256": "0"}, {"suite_version": f"{VERSION}+"}):
        wrong = {**stored["summary"], "preset": "wrong"}
        path.write_text(json.dumps({**stored, "summary": wrong}))
        assert brief_of(results / "a").run.preset == "wrong"
        path.write_text(json.dumps({**stored, "summary": wrong, **change}))
        assert brief_of(results / "a") == right
    path.write_text("{")
    assert brief_of(results / "a") == right


def test_the_command(results: Path, compare: Compare) -> None:
    (results / "foreign").mkdir()
    (results / "foreign" / "records.jsonl").write_text("cake\n")
    finished = compare("history", str(results))
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("fast 1.0 -> 2.0: a:m, ") == 1
    assert finished.stderr.startswith("compare: left out: '")
    assert finished.stderr.count("\n") == 1
    found = document(compare("history", str(results), "--json", "--backend", "b"))
    assert [row["run"] for row in found["rows"]] == ["other"]
    for name, told in (("csv", "'csv' has no page for a history"), ("hmtl", "unknown report for")):
        with pytest.raises(UserError, match=told):
            history(results, format_=name)


def test_a_copied_run_is_one_run(results: Path) -> None:
    once = read_history(results)
    shutil.copytree(results / "a", results / "z")
    twice = read_history(results)
    assert twice.rows == once.rows
    assert twice.copies == [f"'{results / 'z'}' is a copy of '{results / 'a'}', which counts once"]
    shutil.copytree(results / "a", results / "y")
    (told,) = read_history(results).copies
    assert (
        told == f"'{results / 'y'}' and 1 other are copies of '{results / 'a'}', which counts once"
    )
