"""Formats that are made on request: Parquet, JSON and LaTeX, of committed runs."""

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import STORED

from compare.archive.frame import load
from compare.archive.scaling import Scaling, SweepSummary, SweptPoint
from compare.archive.stored import stored_summary
from compare.errors import UserError
from compare.findings.note import Note
from compare.findings.summary import Summary
from compare.records.run_folder import RunFolder
from compare.records.values import Estimate
from compare.reporting.contract import ReportFormat
from compare.reporting.loading import load_reports

FOLDER = STORED / "sentiment-reviews"
UGLY = r"a & b_c 100% #1 $x$ {y} ~z^2 \input{/etc/passwd} <t> --flag" + "\nnext"


@pytest.fixture(scope="module")
def summary() -> Summary:
    return stored_summary(RunFolder(FOLDER))


@pytest.fixture(scope="module")
def sweep(summary: Summary) -> SweepSummary:
    """Of a point that was played and one that was not."""
    exponent = Estimate(value=1.21, low=1.17, high=1.25)
    scaling = Scaling(
        backend="jax", mode="jit", field="train.batch", quantity="step_seconds",
        exponent=exponent, points=2,
    )  # fmt: skip
    points = [
        SweptPoint(name="batch=8", values={"train.batch": 8}, summary=summary),
        SweptPoint(name="batch=16", values={"train.batch": 16}, summary=None),
    ]
    return SweepSummary(
        run_id="swept", command=["compare"], axes={"train.batch": [8, 16]}, points=points,
        scaling=[scaling],
    )  # fmt: skip


def named(name: str) -> ReportFormat:
    return next(report for report in load_reports() if report.name == name)


def text(name: str, summary: Summary) -> str:
    found = named(name).render(summary)
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize(
    ("name", "file"),
    [("json", "report.json"), ("latex", "report.tex"), ("parquet", "summary.parquet")],
)
def test_they_are_written_only_when_asked_for(name: str, file: str) -> None:
    assert (named(name).filename, named(name).by_default) == (file, False)


def test_json_is_the_whole_summary(summary: Summary, sweep: SweepSummary) -> None:
    assert Summary.model_validate_json(text("json", summary)) == summary
    assert SweepSummary.model_validate_json(named("json").render_sweep(sweep)) == sweep


def test_parquet_is_the_table_that_load_gives(summary: Summary, sweep: SweepSummary) -> None:
    content = named("parquet").render(summary)
    assert isinstance(content, bytes)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(content)), load(FOLDER))
    content = named("parquet").render_sweep(sweep)
    assert isinstance(content, bytes)
    frame = pd.read_parquet(io.BytesIO(content))
    assert frame["train.batch"].tolist() == [8] * len(summary.cells)
    assert set(frame["run_id"]) == {"swept/batch=8"}


def test_parquet_says_which_extra_it_takes(
    summary: Summary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as if it were not installed
    with pytest.raises(UserError) as error:
        named("parquet").render(summary)
    wanted = "pyarrow is not installed: pip install 'framework-compare[parquet]'"
    assert str(error.value) == wanted


def test_latex_has_five_columns_for_a_paper_and_the_rest_in_a_second_table(
    summary: Summary,
) -> None:
    found = text("latex", summary)
    first, second = re.findall(r"\\begin\{(table\*?)\}(.*?)\\end\{table\*?\}", found, re.S)
    assert (first[0], second[0]) == ("table", "table*")
    assert first[1].count("S[table-format=") == 4  # beside the backends
    rows = [line for line in first[1].splitlines() if line.endswith(r"\\")]
    assert {row.count(" & ") for row in rows} == {4}
    rate = summary.cells[2].tokens_per_second
    assert rate is not None
    assert r"tensorflow:graph & \bfseries 44765(6047) & \bfseries 1.000 & \bfseries 32.8 &" in found
    assert re.search(r"torch:eager .* & \\bfseries 0.42 ", first[1])  # the least memory
    assert f"{rate.value:,.0f} ({rate.low:,.0f}--{rate.high:,.0f})" in second[1]
    assert "1.09--1.33 times as fast as jax:jit" in first[1]
    for title in ("accuracy", "loss diff.", "warm-up", "GFLOP/s"):
        assert title in second[1]


def test_latex_of_a_sweep_has_its_points_and_exponents(sweep: SweepSummary) -> None:
    found = named("latex").render_sweep(sweep)
    assert isinstance(found, str)
    assert "1.21 (1.17--1.25)" in found
    assert "not played" in found
    assert balanced(found)


def balanced(latex: str) -> bool:
    """Whether braces and environments are closed in the order in which they were opened."""
    plain = re.sub(r"\\[\\{}%&$#_]", "", latex)
    plain = "\n".join(line.partition("%")[0] for line in plain.splitlines())
    depth = 0
    for mark in re.findall(r"[{}]", plain):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return False
    opened: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", plain):
        if what == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return depth == 0 and not opened


def ugly(summary: Summary) -> Summary:
    cells = [cell.model_copy(update={"backend": UGLY, "reason": UGLY}) for cell in summary.cells]
    experiment = summary.experiment | {"data": summary.experiment["data"] | {"source": UGLY}}
    notes = [Note(grade="breaks", text=UGLY)]
    update = {"cells": cells, "experiment": experiment, "notes": notes, "run_id": UGLY}
    return summary.model_copy(update=update)


def test_latex_prints_what_comes_from_outside_as_it_is(summary: Summary) -> None:
    found = text("latex", ugly(summary))
    assert balanced(found)
    assert r"\input{/etc" not in found
    wanted = (
        r"a \& b\_c 100\% \#1 \$x\$ \{y\} \textasciitilde{}z\textasciicircum{}2"
        r" \textbackslash{}input\{/etc/passwd\} \textless{}t\textgreater{} -{}-flag next"
    )
    assert found.count(wanted) >= 3


def has_tex() -> bool:
    kpsewhich = shutil.which("kpsewhich")
    if not kpsewhich or not shutil.which("pdflatex"):
        return False
    return subprocess.run([kpsewhich, "siunitx.sty"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_tex(), reason="no TeX with siunitx is installed")
@pytest.mark.parametrize("changed", [ugly, lambda summary: summary])
@pytest.mark.parametrize("kind", ["", "twocolumn"])
def test_latex_compiles_and_fits_its_column(
    summary: Summary, changed: Callable[[Summary], Summary], kind: str, tmp_path: Path
) -> None:
    (tmp_path / "report.tex").write_text(text("latex", changed(summary)))
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass[{kind}]{{article}}\usepackage{{booktabs,graphicx,siunitx}}"
        r"\begin{document}\input{report}\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, check=True, capture_output=True, timeout=60, text=True, errors="replace",
    )  # fmt: skip
    if changed is not ugly:  # of which one word is wider than a column
        assert "Overfull" not in done.stdout
