"""`compare report`: the run's own folder, another one, several runs as one, and what it refuses."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ADAPTERS, Compare, command, document, environment

pytestmark = pytest.mark.xdist_group("report_command")  # what is shared is made once

TROUBLE = f"{ADAPTERS / 'trouble.py'}:none"
REPORTS = ("report.md", "summary.csv", "summary.json")


def played(where: Path, *arguments: str) -> Path:
    """The folder of a small run."""
    out = where / "results"
    before = set(out.glob("*"))
    subprocess.run(
        command("--task", "lm", "--preset", "tiny", *arguments),
        cwd=where, env=environment(), capture_output=True, timeout=100, check=True,
    )  # fmt: skip
    (found,) = set(out.glob("*")) - before
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Two runs of one experiment on different backends, and one of another experiment."""
    where = tmp_path_factory.mktemp("runs")
    return (
        played(where, "--backend", "reference"),
        played(where, "--backend", TROUBLE),
        played(where, "--backend", "reference", "--steps", "30"),
    )


def test_the_reports_of_a_run_are_made_anew_in_its_folder(
    compare: Compare, runs: tuple[Path, ...], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs[0], run)
    for name in REPORTS:
        (run / name).unlink()
    finished = compare("report", str(run))
    assert finished.returncode == 0, finished.stderr
    assert "reference:numpy" in finished.stdout
    for name in REPORTS:
        assert (run / name).read_bytes() == (runs[0] / name).read_bytes()


def test_a_format_goes_where_it_is_asked_for(
    compare: Compare, runs: tuple[Path, ...], tmp_path: Path
) -> None:
    before = sorted(path.name for path in runs[0].iterdir())
    finished = compare("report", str(runs[0]), "--format", "csv,md", "--out", "shown")
    assert finished.returncode == 0, finished.stderr
    written = {path.name for path in (tmp_path / "shown").rglob("*")}
    assert written == {"report.md", "plots", "throughput.svg", "summary.csv"}
    assert "(plots/throughput.svg)" in (tmp_path / "shown" / "report.md").read_text()
    assert "report.html" not in (tmp_path / "shown" / "report.md").read_text()  # it is not there
    assert finished.stdout.splitlines()[-1].startswith("Report: shown     again: compare ")
    assert sorted(path.name for path in runs[0].iterdir()) == before


def test_records_that_were_cut_leave_the_reports_and_that_is_said(
    compare: Compare, runs: tuple[Path, ...], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs[0], run)
    content = (run / "records.jsonl").read_bytes()
    (run / "records.jsonl").write_bytes(content[: len(content) * 2 // 3])
    before = (run / "report.html").read_bytes()
    finished = compare("report", str(run))
    assert "Report: not written, since not all could be read" in finished.stdout
    assert (run / "report.html").read_bytes() == before
    assert "Report: aside" in compare("report", str(run), "--out", "aside").stdout
    assert (tmp_path / "aside" / "report.html").is_file()


def test_runs_of_one_experiment_are_one_report(compare: Compare, runs: tuple[Path, ...]) -> None:
    found = document(compare("report", str(runs[0]), str(runs[1]), "--json"))
    one, other = found["cells"]
    assert (one["backend"], other["status"]) == ("reference", "ok")
    assert found["run_id"] == f"{runs[0].name} + {runs[1].name}"
    # Both compute the same thing, which can be told of two runs; who is faster can not.
    assert one["max_loss_difference"] == 0.0
    assert len(other["losses"]) == 60
    assert found["comparisons"] == []
    assert any("played at different times" in note["text"] for note in found["notes"])


def test_a_cell_of_several_runs_has_the_windows_of_all(
    compare: Compare, runs: tuple[Path, ...], tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(runs[0], again)
    (once,) = json.loads((runs[0] / "summary.json").read_text())["summary"]["cells"]
    copied = document(compare("report", str(runs[0]), str(again), "--json"))
    assert copied["cells"][0]["timed_windows"] == once["timed_windows"]  # a copy is no second run
    assert any("given more than once" in note["text"] for note in copied["notes"])
    records = again / "records.jsonl"
    records.write_text(records.read_text().replace(f'"{runs[0].name}"', '"another"'))
    (twice,) = document(compare("report", str(runs[0]), str(again), "--json"))["cells"]
    assert twice["timed_windows"] == 2 * once["timed_windows"]
    assert twice["losses"] == once["losses"]


def test_runs_of_other_settings_are_rows_of_a_table(
    compare: Compare, runs: tuple[Path, ...]
) -> None:
    found = document(compare("report", str(runs[0]), str(runs[2]), "--json"))
    assert [row["experiment"] for row in found["rows"]] == [
        "lm tiny, steps=60",
        "lm tiny, steps=30",
    ]
    for row, run in zip(found["rows"], (runs[0], runs[2]), strict=True):
        assert row["cells"]["reference:numpy"]["run"] == str(run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{0}", "{1}", "--format", "md"], "--out is missing"),
        (["{0}", "--format", "htlm"], "unknown format 'htlm'"),
        (["{0}", "--plots", "gif"], "unknown kind of picture 'gif' in --plots"),
        (["{0}/logs"], "is no run folder"),
        (
            ["{0}", "--baseline", "refrence:numpy"],
            "unknown row 'refrence:numpy' in --baseline: did you mean reference:numpy?",
        ),
        (["{0}", "--columns", "backend,comple"], "unknown column 'comple' in --columns: did you"),
        (["{0}", "--columns", "bleu"], "unknown column 'bleu' in --columns"),  # of other tasks
    ],
)
def test_what_cannot_be_reported_is_told_in_one_line(
    compare: Compare, runs: tuple[Path, ...], arguments: list[str], message: str
) -> None:
    finished = compare("report", *(one.format(*runs) for one in arguments))
    assert finished.returncode == 2
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert message in line
