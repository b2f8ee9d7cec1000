"""Playing what was asked for - a run, a sweep, or what is missing of either - and its reports."""

from collections.abc import Callable

from pydantic import BaseModel, ValidationError
from rich.console import Console

from compare.conductor import Conductor
from compare.errors import UserError
from compare.plan import Plan, make_plan
from compare.plugins import load_reports
from compare.progress import LiveProgress, Silent
from compare.records import READABLE_VERSIONS, AnyRecord, Header, header_of
from compare.results import RunFolder
from compare.resumption import finished_rounds, is_whole, require_same, require_version
from compare.scaling import SweepSummary, SweptPoint, scalings
from compare.summary import Summary, summarise
from compare.survey import Choice, identities
from compare.sweep import SweepFolder
from compare.version import VERSION

STORED = "summary.json"

Choices = list[Choice] | None
"""Of an earlier plan for the same backends, which need not be asked again"""


class StoredSummary(BaseModel):
    """A summary as it is kept beside the records that it was made of, to be read faster."""

    suite_version: str
    records_bytes: int
    summary: Summary


def play_run(plan: Plan, folder: RunFolder, title: str = "") -> bool:
    """Play a plan in a new folder; whether Ctrl-C cut it short."""
    return _watched(lambda conductor: conductor.run(), plan, folder, title)


def resume_run(folder: RunFolder, command: list[str]) -> bool:
    """Play what a run has not finished; whether Ctrl-C cut it short.

    Raises UserError, and changes nothing, where another version made the run or the experiment
    is not what it was.
    """
    return _resume(_plan_again(folder, command), folder)


def _plan_again(folder: RunFolder, command: list[str], choices: Choices = None) -> Plan:
    """The plan of a run that was begun; raises UserError where it cannot be resumed."""
    header = header_of(read_records(folder))
    require_version(folder.path, header.suite_version)
    assert header.request is not None  # since this version
    plan = make_plan(header.request, command, choices)
    require_same(folder.path, header, plan)
    return plan


def _resume(plan: Plan, folder: RunFolder, title: str = "") -> bool:
    records = read_records(folder)
    kept = finished_rounds(records, plan, identities(plan.choices, plan.pythons))
    if is_whole(records, plan, kept):
        return False
    return _watched(lambda conductor: conductor.resume(records, kept), plan, folder, title)


def play_sweep(folder: SweepFolder, command: list[str], choices: Choices = None) -> bool:
    """Play every point that is not finished; whether Ctrl-C cut it short."""
    sweep = folder.sweep()
    try:
        for index, point in enumerate(sweep.points, 1):
            title = f"{index} of {len(sweep.points)}: {point.name}"
            at = folder.run_folder(point)
            if at.exists():
                plan = _plan_again(at, command, choices)
                interrupted = _resume(plan, at, title)
            else:
                plan = make_plan(sweep.request_of(point), command, choices)
                interrupted = play_run(plan, at.make(), title)
            choices = plan.choices
            report_run(at)
            if interrupted:
                return True
    except KeyboardInterrupt:  # between two points
        return True
    return False


def resume_sweep(folder: SweepFolder, command: list[str]) -> bool:
    """Play what a sweep has not finished; whether Ctrl-C cut it short.

    Raises UserError, and changes nothing, where any of its points cannot be played as it was.
    """
    sweep, choices = folder.sweep(), None
    require_version(folder.path, sweep.suite_version)
    for point in sweep.points:
        at = folder.run_folder(point)
        if at.exists():
            choices = _plan_again(at, command, choices).choices
        else:
            choices = make_plan(sweep.request_of(point), command, choices).choices
    return play_sweep(folder, command, choices)


def report_run(folder: RunFolder) -> Summary:
    """Summarise the records and write every report that has a file name."""
    summary = summarise(read_records(folder))
    stored = StoredSummary(suite_version=VERSION, records_bytes=folder.size(), summary=summary)
    (folder.path / STORED).write_text(stored.model_dump_json(), encoding="utf-8")
    for report in load_reports():
        if report.filename:
            (folder.path / report.filename).write_text(report.render(summary), encoding="utf-8")
    return summary


def report_sweep(folder: SweepFolder) -> SweepSummary:
    """Put the points' summaries together and write every report that has a file name."""
    summary = summarise_sweep(folder)
    for report in load_reports():
        if report.filename:
            text = report.render_sweep(summary)
            (folder.path / report.filename).write_text(text, encoding="utf-8")
    return summary


def summarise_sweep(folder: SweepFolder) -> SweepSummary:
    """Of the points that have been begun; the stored summary of each where it is up to date."""
    sweep = folder.sweep()
    points = []
    for point in sweep.points:
        at = folder.run_folder(point)
        summary = stored_summary(at) if at.exists() else None
        points.append(SweptPoint(name=point.name, values=point.values, summary=summary))
    return SweepSummary(
        run_id=sweep.run_id,
        command=sweep.command,
        axes=sweep.axes,
        points=points,
        scaling=scalings(sweep.axes, points),
    )


def stored_summary(folder: RunFolder) -> Summary:
    """The summary of a run: the stored one if it is of these records and this version."""
    try:
        stored = StoredSummary.model_validate_json((folder.path / STORED).read_bytes())
    except (OSError, ValidationError):
        return summarise(read_records(folder))
    if (stored.suite_version, stored.records_bytes) == (VERSION, folder.size()):
        return stored.summary
    return summarise(read_records(folder))


def read_records(folder: RunFolder) -> list[AnyRecord]:
    """The records of a folder; raises UserError where it is no run, or one of another version."""
    if not folder.exists():
        raise UserError(f"'{folder.path}' is no run folder: it has no records")
    try:
        records = folder.records()
        header: Header = header_of(records)
    except (StopIteration, ValidationError):
        raise UserError(f"'{folder.path}' cannot be read: another version wrote it") from None
    if header.schema_version not in READABLE_VERSIONS:
        raise UserError(f"'{folder.path}' cannot be read: another version wrote it")
    return records


def _watched(play: Callable[[Conductor], None], plan: Plan, folder: RunFolder, title: str) -> bool:
    """Let a conductor play, its progress on the terminal; whether Ctrl-C cut it short."""
    console = Console(stderr=True)
    watcher = LiveProgress(console, title) if console.is_terminal else Silent()
    with folder.alone(), watcher:
        folder.mend()
        try:
            play(Conductor(plan, folder, watcher))
        except KeyboardInterrupt:
            return True
    return False
