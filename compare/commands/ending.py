"""What a command prints at its end, and the code that it exits with."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console

from compare import interrupts
from compare.archive.across import CrossCell, CrossTable
from compare.archive.scaling import SweepSummary
from compare.archive.together import Reported, newest_across
from compare.findings.cell_summary import CellSummary
from compare.records.run_folder import RunFolder
from compare.records.suite_folder import SuiteFolder
from compare.records.sweep_folder import SweepFolder
from compare.reporting.showing import View, shown
from compare.reporting.writing import (
    by_default,
    main_file,
    report_across,
    report_run,
    report_sweep,
)

BAD_INPUT = 2


def end_run(folder: RunFolder, interrupted: bool, json: bool, view: View) -> NoReturn:
    """Report a run that was played, and exit."""
    _end(report_run(folder), folder.path, interrupted, json, view)


def end_sweep(folder: SweepFolder, interrupted: bool, json: bool, view: View) -> NoReturn:
    """Report a sweep that was played, and exit."""
    _end(report_sweep(folder), folder.path, interrupted, json, view)


def end_suite(folder: SuiteFolder, interrupted: bool, json: bool, view: View) -> NoReturn:
    """Report the experiments that were played, and exit."""
    if interrupted:
        again = shlex.join(["compare", "resume", str(folder.path)])
        print(f"compare: go on with: {again}", file=sys.stderr)
    runs = list(folder.runs())
    if not runs:  # it was cut off before anything was written
        raise typer.Exit(interrupts.exit_code())
    for run in runs:
        report_run(run)
    table = newest_across(folder.path)
    report_across(folder.path, table)
    _end(table, folder.path, interrupted, json, view)


def _end(summary: Reported, path: Path, interrupted: bool, json: bool, view: View) -> NoReturn:
    show(summary, [main_file(path, by_default())], json, view)
    code = interrupts.exit_code() if interrupted else exit_code(summary)
    if isinstance(summary, SweepSummary) and not all(point.summary for point in summary.points):
        code = code or 1  # some were given up
    raise typer.Exit(code)


def show(summary: Reported, written: Sequence[Path], json: bool, view: View) -> None:
    """Print a summary in every format that has no file; at the end where its files are, and the
    command that repeats it, which a table of several experiments has none of."""
    if json:
        print(summary.model_dump_json(indent=2))
        return
    print(shown(summary, view), end="")
    parts = [f"Report: {', '.join(map(str, written))}"] if written else []
    if not isinstance(summary, CrossTable):
        parts.append(f"again: {shlex.join(_again(summary.command))}")
    line = "     ".join(parts)
    if parts:
        print(line if len(line) <= Console().width else "\n".join(parts))


def _again(command: Sequence[str]) -> Iterator[str]:
    """A command without the folder that it wrote to, which is taken."""
    words = iter(command)
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            yield word


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
