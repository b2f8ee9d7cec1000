"""What a command prints at its end, and the code that it exits with."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console

from compare import interrupts
from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder
from compare.reporting.showing import View, shown
from compare.reporting.writing import by_default, main_file, report_run, report_sweep

BAD_INPUT = 2


def end_run(folder: RunFolder, interrupted: bool, json: bool, view: View) -> NoReturn:
    """Report a run that was played, and exit."""
    _end(report_run(folder), folder.path, interrupted, json, view)


def end_sweep(folder: SweepFolder, interrupted: bool, json: bool, view: View) -> NoReturn:
    """Report a sweep that was played, and exit."""
    _end(report_sweep(folder), folder.path, interrupted, json, view)


def _end(
    summary: Summary | SweepSummary, path: Path, interrupted: bool, json: bool, view: View
) -> NoReturn:
    show(summary, [main_file(path, by_default())], json, view)
    raise typer.Exit(interrupts.exit_code() if interrupted else exit_code(summary))


def show(summary: Summary | SweepSummary, written: Sequence[Path], json: bool, view: View) -> None:
    """Print a summary in every format that has no file; at the end where its files are, and the
    command that repeats it."""
    if json:
        print(summary.model_dump_json(indent=2))
        return
    print(shown(summary, view), end="")
    again = f"again: {shlex.join(summary.command)}"
    parts = [*([f"Report: {', '.join(map(str, written))}"] if written else []), again]
    line = "     ".join(parts)
    print(line if len(line) <= Console().width else "\n".join(parts))


def exit_code(summary: Summary | SweepSummary) -> int:
    """0 if at least one backend ran and none went wrong, at every point of a sweep."""
    if isinstance(summary, SweepSummary):
        codes = [_code(point.summary.cells) for point in summary.points if point.summary]
        return max(codes, default=1)
    return _code(summary.cells)


def _code(cells: Sequence[CellSummary]) -> int:
    statuses = {cell.status for cell in cells}
    return 0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1
