"""What a command prints at its end, and the code that it exits with."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from compare import interrupts
from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder
from compare.reporting.loading import load_reports
from compare.reporting.writing import rendered, report_run, report_sweep

BAD_INPUT = 2


def end_run(folder: RunFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a run that was played, and exit."""
    _end(report_run(folder), folder.path, interrupted, json)


def end_sweep(folder: SweepFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a sweep that was played, and exit."""
    _end(report_sweep(folder), folder.path, interrupted, json)


def _end(summary: Summary | SweepSummary, path: Path, interrupted: bool, json: bool) -> NoReturn:
    show(summary, [path], json)
    raise typer.Exit(interrupts.exit_code() if interrupted else exit_code(summary))


def show(summary: Summary | SweepSummary, written: Sequence[Path], json: bool) -> None:
    """Print a summary in every format that has no file, and where its files are."""
    if json:
        print(summary.model_dump_json(indent=2))
        return
    for report in load_reports():
        if not report.filename:
            print(rendered(report, summary), end="")
    for path in written:
        print(f"written to {path}")


def exit_code(summary: Summary | SweepSummary) -> int:
    """0 if at least one backend ran and none went wrong, at every point of a sweep."""
    if isinstance(summary, SweepSummary):
        codes = [_code(point.summary.cells) for point in summary.points if point.summary]
        return max(codes, default=1)
    return _code(summary.cells)


def _code(cells: Sequence[CellSummary]) -> int:
    statuses = {cell.status for cell in cells}
    return 0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1
