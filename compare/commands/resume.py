"""`compare resume`: play what a run or sweep has not finished."""

from pathlib import Path
from typing import Annotated

import typer

from compare.commands import options
from compare.commands.ending import end_run, end_sweep
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.running.jobs import resume_run, resume_sweep


def resume(
    run: Annotated[Path, typer.Argument(help="Folder of a run or a sweep.")],
    json: options.Json = False,
) -> None:
    """Play what a run or sweep has not finished."""
    command = options.command_line()
    run = run.absolute()  # it may be played in another folder, from which its paths were typed
    if is_sweep(run):
        end_sweep(SweepFolder(run), resume_sweep(SweepFolder(run), command), json)
    end_run(RunFolder(run), resume_run(RunFolder(run), command), json)
