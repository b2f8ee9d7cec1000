"""Jobs: playing a run, a sweep, or what is missing of either, as its progress is shown."""

import os
from collections.abc import Callable
from pathlib import Path

from compare.archive.stored import summarise_anew
from compare.errors import UserError
from compare.planning.choice import Choice
from compare.planning.plan import Plan, make_plan
from compare.planning.survey import identities
from compare.records.place import require_room
from compare.records.reading import read_records
from compare.records.record_types import header_of
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder
from compare.records.values import Request
from compare.running.conductor import Conductor
from compare.running.progress import Silent
from compare.running.resumption import finished_rounds, is_whole, require_same, require_version

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
    plan = _plan(header.request, command, progress, choices)
    require_same(folder.path, header, plan)
    return plan


def _plan(request: Request, command: list[str], progress: Silent, choices: Choices) -> Plan:
    """A plan made once more: from here, or where its paths are not found from here, from the
    folder that they were typed in."""
    try:
        return make_plan(request, command, choices, progress.begin)
    except UserError:
        there = Path(request.folder)
        if not request.folder or not there.is_dir() or there == Path.cwd():
            raise
    os.chdir(there)
    return make_plan(request, command, choices, progress.begin)


def _resume(plan: Plan, folder: RunFolder, progress: Silent) -> bool:
    records = read_records(folder)
    kept = finished_rounds(records, plan, identities(plan.choices))
    if is_whole(records, plan, kept):
        return False
    require_room(folder.path, plan.bytes_on_disk)
    return _watched(lambda conductor: conductor.resume(records, kept), plan, folder, progress)


def play_sweep(
    folder: SweepFolder, command: list[str], progress: Silent, choices: Choices = None
) -> bool:
    """Play every point that is not finished; whether Ctrl-C cut it short."""
    sweep = folder.sweep()
    try:
        for index, point in enumerate(sweep.points, 1):
            progress.point(index, len(sweep.points), point.name)
            at = folder.run_folder(point)
            if at.exists():
                plan = _plan_again(at, command, progress, choices)
                interrupted = _resume(plan, at, progress)
            else:
                plan = _plan(sweep.request_of(point), command, progress, choices)
                interrupted = play_run(plan, at.make(), progress)
            choices = plan.choices
            summarise_anew(at)  # its figures are in the sweep's report
            if interrupted:
                return True
    except KeyboardInterrupt:  # between two points
        return True
    return False


def resume_sweep(folder: SweepFolder, command: list[str], progress: Silent) -> bool:
    """Play what a sweep has not finished; whether Ctrl-C cut it short.

    Raises UserError, and changes nothing, where any of its points cannot be played as it was.
    """
    sweep, choices = folder.sweep(), None
    require_version(folder.path, sweep.suite_version)
    for point in sweep.points:
        at = folder.run_folder(point)
        if at.exists():
            choices = _plan_again(at, command, progress, choices).choices
        else:
            choices = _plan(sweep.request_of(point), command, progress, choices).choices
    return play_sweep(folder, command, progress, choices)


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
