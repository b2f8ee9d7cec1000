"""What results/reference shows is what `make reference` plays, whole."""

import shlex
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

from compare.archive.stored import stored_summary
from compare.findings.window_thresholds import ROUNDS_FOR_INTERVALS
from compare.records.run_folder import RunFolder
from compare.records.suite_folder import SuiteFolder
from compare.records.sweep_folder import SweepFolder, is_sweep

REFERENCE = ROOT / "results" / "reference"
TASKS = {"lm", "translation", "summarization", "sentiment"}
RUNS = tomllib.loads((REFERENCE / "runs.toml").read_text("utf-8"))


def command_of(folder: Path) -> list[str]:
    """The one that it says it was made by."""
    if is_sweep(folder):
        return SweepFolder(folder).sweep().command
    return stored_summary(RunFolder(folder)).command


def test_every_folder_is_one_that_is_played() -> None:
    folders = {path.name for path in REFERENCE.iterdir() if path.is_dir()}
    assert folders == {*RUNS, "bench"}


@pytest.mark.parametrize("name", RUNS)
def test_a_reference_run_is_of_its_command_and_went_well(name: str) -> None:
    folder, written = REFERENCE / name, shlex.split(RUNS[name]["commands"][0])
    if name == "suite":
        assert {point.task for point in SuiteFolder(folder).suite().requests} == TASKS
    else:
        assert command_of(folder) == written
    assert (folder / "report.html").is_file()
    rounds = ROUNDS_FOR_INTERVALS
    if "--rounds" in written:
        rounds = int(written[written.index("--rounds") + 1])
    points = sorted(path.parent for path in folder.rglob("records.jsonl"))
    assert points
    for point in points:
        summary = stored_summary(RunFolder(point))
        assert len(summary.cells) >= 4
        assert {cell.status for cell in summary.cells} == {"ok"}
        for cell in summary.cells:
            assert len({round for round, _ in cell.window_places}) >= rounds


def test_the_model_that_learns_comes_near_the_floor_of_its_corpus() -> None:
    """In perplexity, on every framework: no model can do better on text that it has not seen."""
    summary = stored_summary(RunFolder(REFERENCE / "lm-learns"))
    for cell in summary.cells:
        assert cell.validation_loss is not None
        assert summary.floor is not None
        assert 1 < cell.validation_loss / summary.floor < 1.05
