"""Jobs: playing a run, a sweep, or what is missing of either, as the terminal watches."""

from collections.abc import Callable

from rich.console import Console

from compare.archive.stored import summarise_anew
from compare.planning.choice import Choice
from compare.planning.plan import Plan, make_plan
from compare.planning.survey import identities
from compare.records.reading import read_records
from compare.records.record_types import header_of
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder
from compare.running.conductor import Conductor
from compare.running.progress import LiveProgress, Silent
from compare.running.resumption import finished_rounds, is_whole, require_same, require_version

Choices = list[Choice] | None
"""Of an earlier plan for the same backends, which need not be asked again"""


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
    kept = finished_rounds(records, plan, identities(plan.choices))
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
            summarise_anew(at)  # its figures are in the sweep's report
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
