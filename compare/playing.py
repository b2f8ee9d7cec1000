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
from compare.results import RECORDS, RunFolder
from compare.resumption import finished_rounds, last_round, require_same
from compare.scaling import SweepSummary, SweptPoint, scalings
from compare.summary import Summary, summarise
from compare.survey import identities
from compare.sweep import SweepFolder
from compare.version import VERSION

STORED = "summary.json"


class StoredSummary(BaseModel):
    """A summary as it is kept beside the records that it was made of, to be read faster."""

    suite_version: str
    records_bytes: int
    summary: Summary


def play_run(plan: Plan, folder: RunFolder, title: str = "") -> bool:
    """Play a plan in a new folder; whether Ctrl-C cut it short."""
    return _watched(lambda conductor: conductor.run(), plan, folder, title)


def resume_run(folder: RunFolder, command: list[str], title: str = "") -> bool:
    """Play what a run has not finished; whether Ctrl-C cut it short.

    Raises UserError, and changes nothing, where another version made the run or the experiment
    is not what it was.
    """
    records = read_records(folder)
    header = header_of(records)
    if header.suite_version != VERSION or header.request is None:
        raise UserError(
            f"'{folder.path}' cannot be resumed: version {header.suite_version or 'unknown'} made"
            f" it, and this is {VERSION}"
        )
    plan = make_plan(header.request, command)
    require_same(folder.path, header.experiment, plan.experiment)
    kept = finished_rounds(records, plan, identities(plan.choices, plan.pythons))
    rows = [one.cell for one in kept if one.cell.is_row]
    if all(rows.count(cell) >= plan.run.rounds for cell in plan.cells):
        return False
    folder.mend()
    number = last_round(records)
    return _watched(lambda conductor: conductor.resume(kept, number), plan, folder, title)


def play_sweep(folder: SweepFolder, command: list[str]) -> bool:
    """Play every point that is not finished; whether Ctrl-C cut it short."""
    sweep, interrupted = folder.sweep(), False
    choices = None
    for index, point in enumerate(sweep.points, 1):
        title = f"{index} of {len(sweep.points)}: {point.name}"
        at = folder.run_folder(point)
        if at.exists():
            interrupted = resume_run(at, command, title)
        else:
            plan = make_plan(sweep.request_of(point), command, choices)
            choices = plan.choices
            interrupted = play_run(plan, at.make(), title)
        report_run(at)
        if interrupted:
            break
    return interrupted


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
        raise UserError(f"'{folder.path}' is no run folder: it has no {RECORDS}")
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
    with watcher:
        try:
            play(Conductor(plan, folder, watcher))
        except KeyboardInterrupt:
            return True
    return False
