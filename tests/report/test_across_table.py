"""The table across experiments in every medium, of committed runs, and what it refuses."""

import csv
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

import pandas as pd
import pytest
from browser import BEYOND, TORN, grave_violations, launched, needs_browser, opened_page
from conftest import STORED, Compare, document
from terminals import screen, sent

from compare.archive.across import CrossTable

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = [
    str(STORED / name)
    for name in ("lm-small", "lm-gpt-shakespeare", "sentiment-reviews", "translation-captions")
]
EXPERIMENTS = [
    "lm small", "lm gpt (shakespeare)", "sentiment small (reviews)", "translation small (captions)",
]  # fmt: skip
# Rates, ratios, means, memory and scores that are in the table, in no order.
FIGURES = (
    "10,291 ±4.2%", "44,765 ±14.4%", "17,211 ±5.1%", "0.965", "0.853", "0.918", "1.000", "975 MB",
    "1.91 GB", "3,070", "0.7899", "22.01",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table in every format."""
    where = tmp_path_factory.mktemp("across")
    asked = ("report", *RUNS, "--out", "out", "--format", "html,md,tex,csv,json,parquet")
    assert "Report: out/report.html" in screen(where, 78, *asked)
    return where / "out"


@pytest.mark.parametrize("width", [60, 78, 100, 120, 200])
def test_no_figure_is_cut_on_a_terminal_of_any_width(tmp_path: Path, width: int) -> None:
    shown = screen(tmp_path, width, "report", *RUNS)
    assert [figure for figure in FIGURES if figure not in shown] == []
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    for label in ("tensorflow", "jax", "keras", "torch"):
        assert label in shown
    assert "parity failed" in shown
    assert "not run" in shown
    *_, verdict = shown.rstrip().split("\n\n")
    said = " ".join(verdict.split())
    assert said.startswith("tensorflow:graph is ahead by the geometric mean over 2 rows (lm gpt")
    assert "times as fast as jax:jit" in said


def test_each_cell_on_a_terminal_leads_to_its_report(tmp_path: Path) -> None:
    found = re.findall(r"\x1b\]8;[^;]*;(file:[^\x1b]+)\x1b\\", sent(tmp_path, 120, "report", *RUNS))
    paths = {Path(unquote(link.removeprefix("file://"))) for link in found}
    assert {path.parent.name for path in paths} == {Path(run).name for run in RUNS}
    assert all(path.name in ("report.html", "report.md") and path.exists() for path in paths)


def test_in_a_pipe_every_experiment_is_one_line(compare: Compare) -> None:
    lines = compare("report", *RUNS).stdout.splitlines()
    rates = lines.index(next(line for line in lines if line.startswith("tokens/s")))
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[rates + 1 : rates + 5]]
    assert [row[0] for row in rows] == EXPERIMENTS
    assert rows[0][1:] == ["not run", "10,291 ±4.2%", "9,931 ±4.3%", "9,449 ±4.2%", "10,107 ±4.1%"]


def test_what_the_mean_is_over_and_what_is_not_in_it_is_said(compare: Compare) -> None:
    text = compare("report", *RUNS).stdout
    assert "geometric mean of 2" in text
    assert (
        "not in the mean, since not every backend was judged there:"
        " lm small; translation small (captions)"
    ) in text
    assert "not in the mean, being in too few rows: tensorflow:xla" in text
    assert "translation small (captions): torch:eager parity failed: at step 94" in text


def test_markdown_has_a_table_for_each_figure_with_links(written: Path) -> None:
    text = (written / "report.md").read_text()
    tables = [part for part in text.split("\n\n") if part.startswith("| experiment |")]
    assert len(tables) == 4
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "| lm small | not run | [**1.000**](" in tables[0]
    assert tables[0].splitlines()[-1].startswith("| geometric mean of 2 | **0.924** |")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 50
    assert all((written / unquote(link)).exists() for link in links)


def test_csv_and_json_have_the_figures_as_numbers(written: Path) -> None:
    rows = list(csv.DictReader((written / "summary.csv").open()))
    assert len(rows) == 4 * 5
    row = next(r for r in rows if (r["experiment"], r["backend"]) == ("lm small", "torch"))
    assert row["mode"] == "eager"
    assert float(row["tokens_per_second"]) == pytest.approx(9449, abs=1)
    assert row["judged"] == "True"
    missing = next(r for r in rows if r["status"] == "missing")
    assert (missing["experiment"], missing["tokens_per_second"]) == ("lm small", "")
    table = CrossTable.model_validate_json((written / "report.json").read_text())
    assert [one.experiment for one in table.rows] == EXPERIMENTS
    of_row = table.rows[0].cells["torch:eager"].of_fastest
    assert of_row is not None
    assert float(row["of_fastest"]) == of_row.value


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
@pytest.mark.parametrize("packages", ["booktabs,graphicx", "booktabs,graphicx,hyperref"])
def test_latex_fits_a_paper_of_two_columns(written: Path, packages: str, tmp_path: Path) -> None:
    shutil.copy(written / "report.tex", tmp_path)
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass[twocolumn]{{article}}\usepackage{{{packages}}}"
        r"\begin{document}\input{report}\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "Overfull" not in done.stdout
    text = (tmp_path / "report.tex").read_text()
    assert r"\textbf{1.000}" in text
    assert r"10,291 $\pm$4.2\%" in text


def test_the_page_leads_to_every_report(written: Path) -> None:
    text = (written / "report.html").read_text()
    links = set(re.findall(r'<a href="([^"]+)"', text))
    assert len(links) == 4
    assert all((written / unquote(link)).is_file() for link in links)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with launched() as opened:
        yield opened


@pytest.mark.xdist_group("html")
@needs_browser
@pytest.mark.parametrize(
    ("width", "theme"), [(1280, "light"), (1920, "light"), (1280, "dark"), (390, "dark")]
)
def test_the_page_in_a_browser(
    browser: "Browser", written: Path, width: int, theme: Literal["light", "dark"]
) -> None:
    size = {"width": width, "height": 800}
    page = opened_page(browser, written / "report.html", viewport=size, color_scheme=theme)
    assert page.locator("tbody tr").count() == 4 * 5 + 1
    assert page.evaluate(TORN) == []
    assert page.evaluate(BEYOND) == 0
    assert grave_violations(page) == []
    link = page.get_by_role("link", name="10,291 ±4.2%")
    assert (link.get_attribute("href") or "").endswith("/lm-small/report.md")
    page.close()


@pytest.mark.xdist_group("html")
@needs_browser
def test_the_plot_tells_its_figures_and_hides_a_series(browser: "Browser", written: Path) -> None:
    page = opened_page(browser, written / "report.html")
    bars = page.locator("#plot-ratios .mark-rect path[aria-label]")
    count = bars.count()
    assert count == 4 + 4 + 4 + 3 + 4  # what was run and went well, and the means
    page.locator("#plot-ratios .mark-rect path[aria-label*='0.913']").first.hover()
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    told = tooltip.inner_text()
    assert re.search(r"experiment\s+lm gpt \(shakespeare\)", told)
    assert re.search(r"backend\s+torch:eager", told)
    assert re.search(r"of fastest\s+0\.913 \(0\.\d+–0\.\d+\)", told)
    assert re.search(r"tokens/s\s+17,487 \(", told)
    page.locator("#figure-ratios [data-series='jax:jit']").click()
    page.wait_for_function(
        "count => document.querySelectorAll('#plot-ratios .mark-rect path').length < count",
        arg=count,
    )
    assert page.locator("#plot-ratios svg", has_text="jax:jit").count() == 0
    with page.expect_download() as download:
        page.locator("[data-file='summary.csv']").click()
    assert Path(download.value.path()).read_text("utf-8") == (written / "summary.csv").read_text()
    page.close()


@pytest.mark.xdist_group("html")
@needs_browser
def test_without_javascript_and_on_paper_all_is_there(browser: "Browser", written: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((written / "report.html").as_uri())
    drawn = page.locator("#plot-ratios svg").text_content() or ""
    for text in ("lm gpt (shakespeare)", "torch:eager", "0.913", "parity failed", "not run"):
        assert text in drawn
    page.close()
    page = opened_page(browser, written / "report.html", viewport={"width": 1032, "height": 700})
    page.emulate_media(media="print")  # of A4 in landscape, without its margins
    assert page.evaluate(TORN) == []
    assert page.evaluate(BEYOND) == 0
    assert page.locator("pre", has_text="--set task.tokens=bpe").is_visible()
    assert not page.get_by_text("Raw data").is_visible()
    page.close()


def test_columns_are_the_figures_that_are_named_in_their_order(tmp_path: Path) -> None:
    shown = screen(tmp_path, 78, "report", *RUNS[:2], "--columns", "quality,peak-mem")
    assert shown.index("lm small: perplexity") < shown.index("peak memory")
    assert "tokens/s" not in shown
    whole = screen(tmp_path, 78, "report", *RUNS[:2], "--verbose", "--wide")
    assert all(title in whole for title in ("x of the fastest", "tokens/s", "quality"))
    assert "jax 0.10.2" in whole


def test_parquet_has_the_columns_of_the_csv(written: Path) -> None:
    frame, plain = pd.read_parquet(written / "summary.parquet"), written / "summary.csv"
    assert list(frame) == next(csv.reader(plain.open()))
    assert frame["tokens_per_second"].max() == pytest.approx(44_765, abs=1)
    assert frame["judged"].dtype == bool


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            [RUNS[0], str(STORED / "lm-long")],
            f"not in one table with '{RUNS[0]}', being of another place:"
            f" '{STORED / 'lm-long'}' (cpus: 2 and 1; threads: 2 and 1)",
        ),
        ([*RUNS, "--plots", "svg"], "--out is missing"),
        ([*RUNS, "--format", "html"], "--out is missing"),
        (
            [*RUNS, "--columns", "tokens", "--baseline", "jax"],
            "--baseline is a row of one experiment: report one of them with it",
        ),
        (
            [*RUNS, "--columns", "qualty"],
            "unknown figure 'qualty' in --columns of a table across experiments: did you mean"
            " quality?",
        ),
    ],
)
def test_what_cannot_be_one_table_is_told_in_one_line(
    compare: Compare, tmp_path: Path, arguments: list[str], told: str
) -> None:
    finished = compare("report", *arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    (line,) = finished.stderr.splitlines()
    assert told in line
    assert not (tmp_path / "out").exists()


def test_its_plot_is_a_picture_for_a_paper(compare: Compare, tmp_path: Path) -> None:
    finished = compare("report", *RUNS, "--plots", "svg,png", "--out", "out")
    assert finished.returncode == 1  # one of them left the parity gate
    drawn = (tmp_path / "out" / "plots" / "ratios.svg").read_text("utf-8")
    for text in ("lm gpt (shakespeare)", "torch:eager", "0.913", "parity failed"):
        assert text in drawn
    assert (tmp_path / "out" / "plots" / "ratios.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_of_runs_is_a_table_of_the_newest(compare: Compare, tmp_path: Path) -> None:
    for run in RUNS[:2]:
        shutil.copytree(run, tmp_path / "runs" / Path(run).name)
    found = document(compare("report", "runs", "--json"))
    assert [row["experiment"] for row in found["rows"]] == ["lm gpt (shakespeare)", "lm small"]
    shutil.rmtree(tmp_path / "runs" / "lm-small")
    finished = compare("report", "runs")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "compare report runs/lm-gpt-shakespeare shows the newest" in finished.stderr
    assert "compare history runs all of them over time" in finished.stderr


def test_runs_of_one_experiment_are_one_row(compare: Compare) -> None:
    captions = [RUNS[3], str(STORED / "translation-captions-torch")]
    found = document(compare("report", RUNS[0], *captions, "--json"))
    assert len(found["rows"]) == 2
    torch = found["rows"][1]["cells"]["torch:eager"]
    assert torch["run"] in captions
