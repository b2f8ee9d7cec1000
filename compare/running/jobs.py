"""Jobs: playing a run, a sweep, a suite, or what is missing of one, as its progress is shown."""

from collections.abc import Callable, Sequence
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

from compare.archive.stored import summarise_anew
from compare.errors import UserError
from compare.planning.choice import Choice
from compare.planning.plan import Plan, known, make_plan
from compare.planning.survey import identities
from compare.records.place import require_room
from compare.records.reading import read_records
from compare.records.record_types import AnyRecord, Header, KeptRound, header_of
from compare.records.run_folder import RunFolder
from compare.records.suite_folder import Suite, SuiteFolder
from compare.records.sweep_folder import Point, SweepFolder
from compare.records.values import Request
from compare.running.conductor import Conductor
from compare.running.progress import Silent
from compare.running.resumption import (
    differing_parts,
    finished_rounds,
    is_whole,
    require_planned,
    require_same,
    require_version,
)

Choices = list[Choice] | None
"""Of an earlier plan for the same backends, which need not be asked again"""


def play_run(plan: Plan, folder: RunFolder, progress: Silent) -> bool:
    """Play a plan in a new folder; whether Ctrl-C cut it short."""
    return _watched(lambda conductor: conductor.run(), plan, folder, progress)


def resume_run(folder: RunFolder, command: list[str], progress: Silent) -> bool:
    """Play what a run has not finished; whether Ctrl-C cut it short.

    Raises UserError, and changes nothing, where another version made the run or the experiment
    is not what it was.
    """
    return _resume(_plan_again(folder, command, progress), folder, progress)


def _plan_again(
    folder: RunFolder, command: list[str], progress: Silent, choices: Choices = None
) -> Plan:
    """The plan of a run that was begun; raises UserError where it cannot be resumed."""
    header = header_of(read_records(folder))
    require_version(folder.path, header.suite_version)
    assert header.request is not None  # since this version
    plan = plan_again(header.request, command, progress, choices)
    require_same(folder.path, header, plan)
    return plan


def plan_again(request: Request, command: list[str], progress: Silent, choices: Choices) -> Plan:
    """A plan made once more: from here, or where its paths are not found from here, from the
    folder that they were typed in."""
    try:
        return make_plan(request, command, choices, progress.begin)
    except UserError:
        there = Path(request.folder)
        if not request.folder or not there.is_dir() or there == Path.cwd():
            raise
    with chdir(there):  # which of its fields are paths is for a task alone to know
        return make_plan(request, command, choices, progress.begin)


def plan_to_ask(
    folder: RunFolder, header: Header, command: list[str], progress: Silent, choices: Choices
) -> Plan:
    """The plan of a run whose kept models are asked once more about its data, which is made anew;
    raises UserError where that is not what it was."""
    if header.request is None:
        raise UserError(
            f"'{folder.path}' does not say what it was asked for: another version made it"
        )
    plan = plan_again(header.request, command, progress, choices)
    if changed := differing_parts(header.experiment, plan.experiment):
        raise UserError(
            f"'{folder.path}' cannot be asked any more: its experiment is not what it was: other"
            f" {', '.join(changed)}"
        )
    return plan


def _resume(plan: Plan, folder: RunFolder, progress: Silent) -> bool:
    records, kept = _finished(plan, folder)
    if is_whole(records, plan, kept):
        return False
    require_room(folder.path, plan.bytes_on_disk)
    return _watched(lambda conductor: conductor.resume(records, kept), plan, folder, progress)


def _finished(plan: Plan, folder: RunFolder) -> tuple[list[AnyRecord], list[KeptRound]]:
    """What a run recorded, and which of its rounds still count."""
    records = read_records(folder)
    return records, finished_rounds(records, plan, identities(plan.choices))


class _Job(NamedTuple):
    """One of several runs, number so and so `of` so many; of one that was begun, what is left. Of a
    sweep it is a `point`, whose experiment was planned."""

    number: int
    of: int
    title: str
    request: Request
    folder: RunFolder
    point: Point | None = None


def play_sweep(
    folder: SweepFolder, command: list[str], progress: Silent, choices: Choices = None
) -> bool:
    """Play every point that is not finished; whether Ctrl-C cut it short."""
    return _play_all(_points(folder), command, progress, choices)


def resume_sweep(folder: SweepFolder, command: list[str], progress: Silent) -> bool:
    """Play what a sweep has not finished; whether Ctrl-C cut it short.

    Raises UserError, and changes nothing, where any of its points cannot be played as it was.
    """
    require_version(folder.path, folder.sweep().suite_version)
    jobs, choices = _left(_points(folder), command, progress)
    return _play_all(jobs, command, progress, choices)


def play_point(folder: SweepFolder, number: int, progress: Silent) -> tuple[RunFolder, bool]:
    """Play what one point, numbered from 1, has not finished: its folder, and whether Ctrl-C cut
    it short.

    Raises UserError where there is no such point, where another process plays it, and as
    `resume_sweep` does.
    """
    sweep, jobs = folder.sweep(), _points(folder)
    require_version(folder.path, sweep.suite_version)
    if number > len(jobs):
        raise UserError(
            f"'{folder.path}' has no point {number}: they are numbered 1 to {len(jobs)}"
        )
    job = jobs[number - 1]
    return job.folder, _play_all([job], sweep.command, progress, None)


def play_suite(
    folder: SuiteFolder, requests: Sequence[Request], command: list[str], progress: Silent
) -> bool:
    """Play every experiment that is not finished in a suite's folder, one after the other;
    whether Ctrl-C cut it short.

    Raises UserError, before any is played, where one of them cannot be.
    """
    named = [
        (f"{one.task} {one.preset}", one, folder.run_of(one) or folder.new_run(one))
        for one in requests
    ]
    jobs, choices = _left(_numbered(named), command, progress)
    folder.write(Suite(requests=list(requests)))
    return _play_all(jobs, command, progress, choices)


def resume_suite(folder: SuiteFolder, command: list[str], progress: Silent) -> bool:
    """Play what a suite has not finished; whether Ctrl-C cut it short.

    Raises UserError, and changes nothing, where any of its experiments cannot be played as it was.
    """
    suite = folder.suite()
    require_version(folder.path, suite.suite_version)
    return play_suite(folder, suite.requests, command, progress)


def _points(folder: SweepFolder) -> list[_Job]:
    sweep = folder.sweep()
    return [
        _Job(
            number, len(sweep.points), point.name, sweep.request_of(point),
            folder.run_folder(point), point,
        )
        for number, point in enumerate(sweep.points, 1)
    ]  # fmt: skip


def _numbered(named: Sequence[tuple[str, Request, RunFolder]]) -> list[_Job]:
    return [_Job(number, len(named), *one) for number, one in enumerate(named, 1)]


def _left(jobs: Sequence[_Job], command: list[str], progress: Silent) -> tuple[list[_Job], Choices]:
    """The jobs that are not finished, and the backends of all; raises UserError where one of them
    cannot be played."""
    left: list[_Job] = []
    choices: Choices = None
    for job in jobs:
        plan = _plan_of(job, command, progress, choices)
        choices = plan.choices
        if not (job.folder.exists() and _is_whole(plan, job.folder)):
            left.append(job)
    return left, choices


def _is_whole(plan: Plan, folder: RunFolder) -> bool:
    records, kept = _finished(plan, folder)
    return is_whole(records, plan, kept)


def _plan_of(job: _Job, command: list[str], progress: Silent, choices: Choices) -> Plan:
    choices = known(choices, job.request)
    if job.folder.exists():
        return _plan_again(job.folder, command, progress, choices)
    plan = plan_again(job.request, command, progress, choices)
    if job.point:
        require_planned(job.folder.path, job.point, plan)
    return plan


def _play_all(jobs: Sequence[_Job], command: list[str], progress: Silent, choices: Choices) -> bool:
    try:
        for job in jobs:
            progress.point(job.number, job.of, job.title)
            plan = _plan_of(job, command, progress, choices)
            choices = plan.choices
            if job.folder.exists():
                interrupted = _resume(plan, job.folder, progress)
            else:
                interrupted = play_run(plan, job.folder.make(), progress)
            summarise_anew(job.folder)  # its figures are in the report of all
            if interrupted:
                return True
    except KeyboardInterrupt:  # between two runs
        return True
    return False


def _watched(
    play: Callable[[Conductor], None], plan: Plan, folder: RunFolder, progress: Silent
) -> bool:
    """Let a conductor play as its progress is shown; whether Ctrl-C cut it short."""
    with folder.alone():
        folder.mend()
        try:
            play(Conductor(plan, folder, progress))
        except KeyboardInterrupt:
            return True
    return False
