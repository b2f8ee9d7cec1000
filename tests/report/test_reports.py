"""Reports of a real run, with a row that went wrong in the ugliest way."""

import csv
import io
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from conftest import ADAPTERS, command, environment

from compare.findings.summary import Summary, summarise
from compare.records.run_folder import RunFolder
from compare.reporting.loading import load_reports

pytestmark = pytest.mark.xdist_group("reports")  # what is shared is made once


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("run")
    backends = f"reference,{ADAPTERS / 'trouble.py'}:none,{ADAPTERS / 'trouble.py'}:raises"
    subprocess.run(
        command("--task", "lm", "--preset", "tiny", "--backend", backends),
        cwd=where, env=environment(), capture_output=True, timeout=100,
    )  # fmt: skip
    (found,) = (where / "results").iterdir()
    return found


@pytest.fixture(scope="module")
def summary(folder: Path) -> Summary:
    return summarise(RunFolder(folder).records())


def rendered(name: str, summary: Summary) -> str:
    return next(report for report in load_reports() if report.name == name).render(summary)


def test_reports_are_made_from_the_records_alone(folder: Path, summary: Summary) -> None:
    markdown = next(report for report in load_reports() if report.name == "markdown")
    files = markdown.files(summary, folder)
    assert set(files) == {"report.md", "plots/throughput.svg"}
    for name, content in files.items():
        content = content.encode() if isinstance(content, str) else content
        assert (folder / name).read_bytes() == content
    assert (folder / "summary.csv").read_text() == rendered("csv", summary)
    assert (folder / "report.html").read_text("utf-8") == rendered("html", summary)


def test_the_markdown_table_has_a_row_per_cell_with_whole_columns(summary: Summary) -> None:
    glance, results, costs = [
        part.splitlines()
        for part in rendered("markdown", summary).split("\n\n")
        if part.startswith("|")
    ]
    assert glance[0] == "| backend | tokens/s | against fastest | step | peak mem |"
    assert len(glance) == len(results) == 2 + 3
    assert len(costs) == 2 + 2  # the one that failed at once was never timed
    for table in (glance, results, costs):
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1


def test_the_markdown_begins_with_what_breaks_the_verdict_and_the_verdict(
    folder: Path, summary: Summary
) -> None:
    _, note, verdict, table = (folder / "report.md").read_text().split("\n\n")[:4]
    assert note.startswith("- note: ")
    assert verdict.startswith("**Not judged: ")
    assert table.startswith("| backend |")
    assert "[The whole report](report.html)" in (folder / "report.md").read_text()


def test_the_title_says_what_was_trained(summary: Summary) -> None:
    text = rendered("markdown", summary)
    assert text.startswith("# lm (tiny): RNN, 7.7 k parameters, fp32, CPU, ")
    assert "2 elman layers of 16, 7,656 parameters, 60 steps of 4 x 8 tokens, adam 0.001" in text


def test_the_markdown_shows_what_went_wrong_as_text(summary: Summary) -> None:
    text = rendered("markdown", summary)
    assert "<script>" not in text.split("The end of the log")[0]
    assert "alert(1)" in text
    assert "compare --task lm --preset tiny --backend" in text


def test_the_csv_has_plain_numbers_that_pandas_reads(summary: Summary) -> None:
    text = rendered("csv", summary)
    frame = pd.read_csv(io.StringIO(text))
    row = frame.iloc[0]
    cell = summary.cells[0]
    assert cell.tokens_per_second is not None
    assert row["backend"] == "reference"
    assert row["final_training_loss"] == cell.losses[-1]
    assert row["tokens_per_second"] == cell.tokens_per_second.value
    assert row["tokens_per_second_low"] < row["tokens_per_second"] < row["tokens_per_second_high"]
    assert frame["status"].tolist() == ["ok", "ok", "failed"]
    assert len(list(csv.reader(io.StringIO(text)))) == 4


def test_the_terminal_table_keeps_rows_whole_in_a_pipe(summary: Summary) -> None:
    text = rendered("terminal", summary)
    row = next(line for line in text.splitlines() if line.startswith("  reference:numpy"))
    rate = summary.cells[0].tokens_per_second
    assert rate is not None
    assert row.split()[1] == f"{rate.value:,.0f}"
    failed = next(line for line in text.splitlines() if line.startswith("  trouble:raises"))
    assert failed.endswith(f"failed: {summary.cells[2].reason}")
    assert f"Validation loss {summary.cells[0].validation_loss:.4f} on all." in text


def test_the_fastest_is_the_measure_of_the_others(summary: Summary) -> None:
    ratios = [c.ratio_to_fastest for c in summary.cells[:2]]
    assert max(r.value for r in ratios if r) == 1.0
    assert summary.cells[2].ratio_to_fastest is None
