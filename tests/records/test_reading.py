"""Damaged run folders: what can be read is reported, what can not is named, nothing is changed."""

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import STORED, Compare

from compare.archive.stored import read_summary, read_sweep, store, stored_summary
from compare.errors import UserError
from compare.records.reading import read, read_records
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import Point, Sweep, SweepFolder
from compare.records.values import Request
from compare.reporting.writing import report_run, report_sweep

STEPS = 2000


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two points, both a committed run of one cell, reported."""
    folder = tmp_path_factory.mktemp("sweep")
    points = [Point(name=f"batch={n}", values={"train.batch": n}) for n in (4, 8)]
    sweep = Sweep(
        run_id="sweep", started=datetime.now(UTC), command=["compare"], points=points,
        request=Request(task="sentiment", preset="small", overrides=[], backends=[], pythons={}),
        axes={"train.batch": [4, 8]},
    )  # fmt: skip
    (folder / "sweep.json").write_text(sweep.model_dump_json())
    for point in points:
        (folder / point.name).mkdir()
        shutil.copy(STORED / "sentiment-long" / "records.jsonl", folder / point.name)
        report_run(RunFolder(folder / point.name))
    report_sweep(SweepFolder(folder))
    return folder


@pytest.fixture
def damaged(sweep: Path, tmp_path: Path) -> Callable[..., RunFolder]:
    """`damaged(how)`: a copy of a run with its lines (bytes, ends kept) as `how` made them."""

    def damage(how: Callable[[list[bytes]], list[bytes]]) -> RunFolder:
        folder = RunFolder(shutil.copytree(sweep / "batch=4", tmp_path / "run"))
        path = folder.path / "records.jsonl"
        path.write_bytes(b"".join(how(path.read_bytes().splitlines(keepends=True))))
        return folder

    return damage


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def with_header(lines: list[bytes], **fields: object) -> list[bytes]:
    return [json.dumps(json.loads(lines[0]) | fields).encode() + b"\n", *lines[1:]]


def newer(lines: list[bytes]) -> list[bytes]:
    """Of a schema to come: a field and a kind of record that nobody knows yet."""
    header, *others = with_header(lines, schema_version=6, weather="fair")
    known = [line.replace(b'"kind":"ended"', b'"mood":"good","kind":"ended"') for line in others]
    return [header, *known, b'{"kind":"afterthought","text":"hm"}\n', b'{"kind":"window"}\n']


def test_a_whole_run_has_no_problems(sweep: Path) -> None:
    folder = RunFolder(sweep / "batch=4")
    found = read(folder)
    assert found.records == folder.records() == read_records(folder)
    assert found.problems == []


@pytest.mark.parametrize(
    ("how", "problems"),
    [
        (lambda lines: [*lines, lines[-1][:20]], ["the last line of records.jsonl was cut short"]),
        (lambda lines: [*lines, lines[-1][:-1]], []),
        (
            lambda lines: [*lines[:2], b"\xff\x00}\n", *lines[2:]],
            ["line 3 of records.jsonl is not JSON"],
        ),
        (
            lambda lines: [lines[0], *[b"{\n"] * 9, *lines[1:], b'{"kind":"pause"}\n', b"[]\n"],
            [
                "lines 2, 3, 4 and 6 more of records.jsonl are not JSON",
                "lines NEXT, LAST of records.jsonl are no record of schema 5",
            ],
        ),
        (
            newer,
            [
                "it is of a newer schema (6): what that has added is left out",
                "2 lines of a newer schema (6) are not understood",
            ],
        ),
    ],
)
def test_what_can_be_read_is_reported_and_what_can_not_is_named(
    damaged: Callable[..., RunFolder], how: Callable[..., list[bytes]], problems: list[str]
) -> None:
    folder = damaged(how)
    lines = (folder.path / "records.jsonl").read_bytes().count(b"\n")
    wanted = [p.replace("NEXT", str(lines - 1)).replace("LAST", str(lines)) for p in problems]
    before = hashes(folder.path)
    assert read(folder).problems == wanted
    summary, found = read_summary(folder)
    assert (found, [note.text for note in summary.notes[: len(wanted)]]) == (wanted, wanted)
    (cell,) = summary.cells
    assert (cell.status, len(cell.losses)) == ("ok", STEPS)
    if wanted:
        assert report_run(folder) == summary
    assert hashes(folder.path) == before


def test_the_report_of_a_damaged_run_is_printed_and_its_folder_is_left_alone(
    damaged: Callable[..., RunFolder], compare: Compare
) -> None:
    folder = damaged(lambda lines: [*lines[:3], b"?\n", *lines[3:], b'{"kind"'])
    before = hashes(folder.path)
    finished = compare("report", str(folder.path))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "note: line 4 of records.jsonl is not JSON" in finished.stdout
    assert "note: the last line of records.jsonl was cut short" in finished.stdout
    assert "jax:jit" in finished.stdout
    assert "Report: not written, since not all could be read; --out FOLDER" in finished.stdout
    assert hashes(folder.path) == before


def test_only_a_cut_off_end_is_taken_away_to_go_on(damaged: Callable[..., RunFolder]) -> None:
    whole = damaged(lambda lines: [*lines, b'{"kind":"ended"'])
    assert len(read_records(whole)) == len(read(whole).records)
    shutil.rmtree(whole.path)
    hurt = damaged(lambda lines: [*lines[:3], b"?\n", *lines[3:]])
    with pytest.raises(UserError, match=r"cannot be resumed: line 4 of records\.jsonl is not"):
        read_records(hurt)


def test_damage_that_keeps_the_length_is_seen_behind_a_stored_summary(
    damaged: Callable[..., RunFolder],
) -> None:
    folder = damaged(lambda lines: [*lines[:-1], b"x" + lines[-1][1:]])
    assert (folder.path / "summary.json").is_file()
    assert "is not JSON" in stored_summary(folder).notes[0].text


def test_a_summary_whose_fields_had_other_names_is_made_anew(tmp_path: Path) -> None:
    shutil.copytree(STORED / "lm-small", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "summary.json"
    store(RunFolder(tmp_path), stored_summary(RunFolder(tmp_path)))
    kept = path.read_text().replace('"dtype":', '"precision":', 1)
    assert kept != path.read_text()
    path.write_text(kept)
    assert stored_summary(RunFolder(tmp_path)).experiment["train"]["dtype"] == "fp32"


def test_losses_behind_a_lost_record_are_not_moved_to_other_steps(tmp_path: Path) -> None:
    """One cell of four loses a window: its curve ends there, and still passes the gate."""
    whole = stored_summary(RunFolder(STORED / "sentiment-reviews"))
    lines = (STORED / "sentiment-reviews" / "records.jsonl").read_bytes().splitlines(True)
    cell = b'"backend":"jax","mode":"jit","echo":false'
    mine = [i for i, line in enumerate(lines) if b'"role":"steady"' in line and cell in line]
    lines[mine[2]] = b"lost\n"
    (tmp_path / "records.jsonl").write_bytes(b"".join(lines))
    summary = stored_summary(RunFolder(tmp_path))
    assert [cell.status for cell in summary.cells] == [cell.status for cell in whole.cells]
    for found, before in zip(summary.cells, whole.cells, strict=True):
        kept, steps = len(found.losses), len(before.losses)
        assert found.losses == before.losses[:kept]
        assert 0 < kept < steps if found.backend == "jax" else kept == steps


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda lines: [], "its records.jsonl begins with no header"),
        (lambda lines: [lines[0][:99]], "no header, and not JSON"),
        (lambda lines: lines[1:], "is no run folder: the first line of its records.jsonl is no"),
        (lambda lines: [b'{"epoch": 1, "loss": 2.5}\n'], "is no run folder: the first line"),
        (lambda lines: with_header(lines, schema_version=1), "schema version 1, this one reads 2"),
        (lambda lines: with_header(lines, weather="fair"), "header is damaged, weather is not"),
        (
            lambda lines: with_header(lines, schema_version=9, experiment="by name"),
            "schema version 9 is newer than this one reads (5)",
        ),
        (
            lambda lines: with_header(lines, schema_version=9, machine={"chip": "new"}),
            "schema version 9 is newer than this one reads (5)",
        ),
    ],
)
def test_without_a_header_nothing_can_be_read_and_one_line_says_why(
    damaged: Callable[..., RunFolder], how: Callable[..., list[bytes]], message: str
) -> None:
    folder = damaged(how)
    for reading in (read, stored_summary):
        with pytest.raises(UserError) as error:
            reading(folder)
        assert message in str(error.value)
        assert str(folder.path) in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError):
        read_records(folder)


def test_a_folder_without_records_is_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no run folder: it has no records\.jsonl"):
        read(RunFolder(tmp_path))


def test_a_sweep_of_which_points_are_damaged_is_reported_without_them(
    sweep: Path, tmp_path: Path
) -> None:
    copy = SweepFolder(shutil.copytree(sweep, tmp_path / "sweep"))
    (copy.path / "batch=4" / "records.jsonl").write_bytes(b"gone\n")
    with (copy.path / "batch=8" / "records.jsonl").open("ab") as file:
        file.write(b"{")
    before = hashes(copy.path)
    summary, problems = read_sweep(copy)
    assert [point.summary is None for point in summary.points] == [True, False]
    (note,) = summary.notes
    assert "batch=4' cannot be read" in note
    assert problems == [note, "batch=8: the last line of records.jsonl was cut short"]
    assert report_sweep(copy) == summary
    assert hashes(copy.path) == before
