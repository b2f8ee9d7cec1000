"""`compare resume`: play what a run or sweep has not finished."""

import sys

from compare.commands import options
from compare.commands.ending import end_run, end_sweep
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.running.jobs import resume_run, resume_sweep
from compare.running.progress import watched


def resume(
    run: options.Run,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Play what a run or sweep has not finished.

    Examples:
    compare resume results/RUN
    """
    command = ["compare", *sys.argv[1:]]
    if is_sweep(run):
        with watched(quiet) as progress:
            interrupted = resume_sweep(SweepFolder(run), command, progress)
        end_sweep(SweepFolder(run), interrupted, json)
    with watched(quiet) as progress:
        interrupted = resume_run(RunFolder(run), command, progress)
    end_run(RunFolder(run), interrupted, json)
