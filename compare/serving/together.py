"""Runs that were ticked in the list, as one page: their diff, or one report of all."""

from collections.abc import Callable, Sequence
from pathlib import Path

from compare.archive.across import CrossTable
from compare.archive.brief import brief_of
from compare.archive.diff_folders import diff_folders
from compare.archive.scaling import SweepSummary
from compare.archive.together import read_together
from compare.errors import UserError
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.reporting.contract import AcrossFormat, ReportFormat
from compare.reporting.diff_words import OTHERS, SPEED, conclusions, others_row, speed_row
from compare.serving import pages

_FAIL_OVER = 0.05
_MOST_RUNS = 50


def diff_page(folders: Sequence[Path], name: Callable[[Path], str]) -> str:
    """Two runs or sweeps held against each other, the earlier one as the base; `name` is what a
    folder is called."""
    if len(folders) != 2:
        raise UserError("a diff is of two runs: tick two of them")
    base, new = sorted(folders, key=_started)
    found = diff_folders(base, new, _FAIL_OVER)
    return pages.plain(
        f"{name(base)} and {name(new)}",
        [
            pages.lines(conclusions(found)),
            pages.lines([f"base: {name(base)}", f"new: {name(new)}"]),
            pages.table(SPEED, map(speed_row, found.cells), "Speed"),
            pages.table(OTHERS, map(others_row, found.cells), "What else was measured"),
            pages.lines(found.notes),
        ],
    )


def report_page(
    folders: Sequence[Path], report: ReportFormat, address: Callable[[Path], str]
) -> str:
    """Several runs as one report or as a table across experiments; `address` is where a run's own
    page is."""
    if not 2 <= len(folders) <= _MOST_RUNS:
        raise UserError(f"one report is of 2 to {_MOST_RUNS} runs: tick as many")
    summary, _ = read_together(folders)
    if isinstance(summary, CrossTable):
        if not isinstance(report, AcrossFormat):
            raise UserError(f"the report format '{report.name}' has no table across experiments")
        page = report.render_across(summary.linked(lambda run: address(Path(run))))
    elif isinstance(summary, SweepSummary):
        page = report.render_sweep(summary)
    else:
        page = report.render(summary)
    return page if isinstance(page, str) else page.decode()


def _started(folder: Path) -> str:
    if is_sweep(folder):
        return SweepFolder(folder).sweep().started.isoformat()
    return brief_of(folder).run.environment.started.isoformat()
