"""What a command prints at its end, and the code that it exits with."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from compare import interrupts
from compare.archive.across import CrossCell, CrossTable
from compare.archive.scaling import SweepSummary
from compare.archive.together import Reported
from compare.findings.cell_summary import CellSummary
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder
from compare.reporting.loading import load_reports
from compare.reporting.writing import able, rendered, report_across, report_run, report_sweep

BAD_INPUT = 2


def end_run(folder: RunFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a run that was played, and exit."""
    _end(report_run(folder), folder.path, interrupted, json)


def end_sweep(folder: SweepFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a sweep that was played, and exit."""
    _end(report_sweep(folder), folder.path, interrupted, json)


def end_suite(folder: Path, table: CrossTable, interrupted: bool, json: bool) -> NoReturn:
    """Report the experiments that were played, and exit."""
    report_across(folder, table)
    _end(table, folder, interrupted, json)


def _end(summary: Reported, path: Path, interrupted: bool, json: bool) -> NoReturn:
    show(summary, [path], json)
    raise typer.Exit(interrupts.exit_code() if interrupted else exit_code(summary))


def show(summary: Reported, written: Sequence[Path], json: bool) -> None:
    """Print a summary in every format that has no file, and where its files are."""
    if json:
        print(summary.model_dump_json(indent=2))
        return
    for report in able(load_reports(), summary):
        if not report.filename:
            print(rendered(report, summary), end="")
    for path in written:
        print(f"written to {path}")


def exit_code(summary: Reported) -> int:
    """0 if at least one backend ran and none went wrong, at every point of a sweep and in every
    row of a table."""
    if isinstance(summary, SweepSummary):
        codes = [_code(point.summary.cells) for point in summary.points if point.summary]
        return max(codes, default=1)
    if isinstance(summary, CrossTable):
        return max(_code([*row.cells.values()]) for row in summary.rows)
    return _code(summary.cells)


def _code(cells: Sequence[CellSummary] | Sequence[CrossCell]) -> int:
    statuses = {cell.status for cell in cells} - {"missing"}
    return 0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1
