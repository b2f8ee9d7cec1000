"""Folders as what one report shows: a run, several runs of one experiment as one, a sweep, or runs
of different experiments as a table across them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from compare.archive.across import CrossTable, Played, across
from compare.archive.brief import RunFigures, brief_of
from compare.archive.experiments import conflict, place
from compare.archive.scaling import SweepSummary
from compare.archive.stored import read_summary, read_sweep, summary_of
from compare.errors import UserError
from compare.findings.notes import repeated, unlike
from compare.findings.summary import Summary
from compare.records import merging
from compare.records.reading import FoundRecords, read
from compare.records.record_types import header_of
from compare.records.run_folder import RECORDS, RunFolder
from compare.records.run_folders import run_folders
from compare.records.sweep_folder import SweepFolder, is_sweep

Reported = Summary | SweepSummary | CrossTable
"""What a report is made of"""


class Found(NamedTuple):
    """What folders sum up to, and in words what of them cannot be read."""

    summary: Reported
    problems: list[str]


class _Run(NamedTuple):
    path: Path
    figures: RunFigures


def read_together(paths: Sequence[Path]) -> Found:
    """What one report of these folders shows. A single one may be a folder of runs, of which the
    newest of each experiment are taken.

    Raises UserError where a folder cannot be read, or where they cannot be in one report.
    """
    swept = [path for path in paths if is_sweep(path)]
    if swept and len(paths) > 1:
        raise UserError(f"'{swept[0]}' is a sweep, which has a report of its own")
    if swept:
        return Found(*read_sweep(SweepFolder(swept[0])))
    if len(paths) == 1 and is_folder_of_runs(paths[0]):
        return _table_of_folder(paths[0])
    found = [read(RunFolder(path)) for path in paths]
    if len(found) == 1:
        return Found(summary_of(found[0]), found[0].problems)
    experiments: dict[str, list[tuple[Path, FoundRecords]]] = {}
    for path, one in zip(paths, found, strict=True):
        experiments.setdefault(header_of(one.records).fingerprint, []).append((path, one))
    if len(experiments) > 1:
        _require_one_place(paths, found)
    merged = [_as_one(runs) for runs in experiments.values()]
    played = [one for one, _ in merged]
    problems = [problem for _, its in merged for problem in its]
    return Found(played[0].summary if len(played) == 1 else across(played), problems)


def is_folder_of_runs(path: Path) -> bool:
    """Whether it is no run or sweep itself, and has some below it."""
    if (path / RECORDS).exists() or is_sweep(path):
        return False
    return next(run_folders(path, into_sweeps=False), None) is not None


def newest_across(folder: Path) -> CrossTable:
    """The table of the newest run of each experiment under a folder; what is left out, and why, is
    in its notes.

    All are of one place, the machine and threads that the most experiments were played with.
    Raises UserError where none can be read.
    """
    notes, played = list[str](), list[Played]()
    runs = list(_newest_first(folder, notes))
    if not runs:
        raise UserError(f"'{folder}' has no run that can be read: {'; '.join(notes)}")
    here = _in_one_place(runs, notes)
    newest = list({run.figures.fingerprint: run for run in reversed(here)}.values())[::-1]
    for run in newest:
        summary, problems = read_summary(RunFolder(run.path))
        why = conflict(played[0].summary, summary) if played else ""
        if why:
            notes.append(f"'{run.path}' is left out: {why}")
            continue
        notes += [f"'{run.path}': {problem}" for problem in problems]
        played.append(_played(run.path, summary))
    if older := len(here) - len(newest):
        runs_are = "1 earlier run is" if older == 1 else f"{older:,} earlier runs are"
        notes.append(f"{runs_are} left out: compare history {folder} has all of them")
    return across(sorted(played, key=_started), notes)


def _in_one_place(runs: Sequence[_Run], notes: list[str]) -> list[_Run]:
    """Those of the place with the most experiments, of equals that of the newest run."""
    places: dict[str, list[_Run]] = {}
    for run in runs:
        found = run.figures.environment
        where = place(found.threads, found.cpu, found.cpus)
        places.setdefault(where, []).append(run)
    chosen = max(places, key=lambda where: len({run.figures.fingerprint for run in places[where]}))
    for where, its in places.items():
        if where != chosen:
            runs_are = f"'{its[0].path}' is" if len(its) == 1 else f"{len(its):,} runs are"
            notes.append(f"{runs_are} left out, played elsewhere: {where}")
    return places[chosen]


def _started(played: Played) -> str:
    return str(played.summary.environment["started"])


def _table_of_folder(folder: Path) -> Found:
    table = newest_across(folder)
    if len(table.rows) < 2:
        ((_, cell), *_) = table.rows[0].cells.items()
        raise UserError(
            f"'{folder}' is a folder of runs, of one experiment: compare report {cell.run} shows"
            f" the newest, compare history {folder} all of them over time"
        )
    return Found(table, [])


def _newest_first(folder: Path, notes: list[str]) -> Iterator[_Run]:
    """Every run but those of sweeps; what is passed over is added to the notes."""
    found = []
    for path in run_folders(folder, into_sweeps=False):
        if is_sweep(path):
            notes.append(f"'{path}' is a sweep, which has a report of its own")
            continue
        try:
            found.append(_Run(path, brief_of(path).run))
        except UserError as error:
            notes.append(str(error))
    yield from sorted(found, key=lambda run: run.figures.environment.started, reverse=True)


def _played(path: Path, summary: Summary) -> Played:
    return Played(summary, {cell.label: str(path) for cell in summary.cells})


def _as_one(runs: Sequence[tuple[Path, FoundRecords]]) -> tuple[Played, list[str]]:
    """A run, or several of one experiment as one, and in words what cannot be read."""
    problems = [f"{path.name}: {problem}" for path, one in runs for problem in one.problems]
    records = [one.records for _, one in runs]
    headers = [header_of(run) for run in merging.once(records)]
    ids = [header_of(run).run_id for run in records]
    twice = [header.run_id for header in headers if ids.count(header.run_id) > 1]
    whole = merging.once(records)[0] if len(headers) == 1 else merging.merged(records)
    summary = summary_of(FoundRecords(list(whole), problems))
    summary.notes += [*unlike(headers[0].run_id, merging.unlike(headers)), *repeated(twice)]
    folders = {cell.label: str(path) for path, one in runs for cell in header_of(one.records).cells}
    return Played(summary, folders), problems


def _require_one_place(paths: Sequence[Path], found: Sequence[FoundRecords]) -> None:
    """Raise UserError, naming what differs, unless all were played in the first one's place."""
    first, *others = [summary_of(one) for one in found]
    whys = [
        f"'{path}' ({why})"
        for path, one in zip(paths[1:], others, strict=True)
        if (why := conflict(first, one))
    ]
    if whys:
        raise UserError(
            f"not in one table with '{paths[0]}', being of another place: {'; '.join(whys)}"
        )
