"""`compare point`: play one point of a sweep, as one of many machines does."""

from pathlib import Path
from typing import Annotated

import typer

from compare import interrupts
from compare.commands import completion, options
from compare.commands.ending import end_run
from compare.errors import UserError
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.reporting.showing import View
from compare.running.jobs import play_point
from compare.running.progress import watched


def point(
    sweep: Annotated[
        Path,
        typer.Argument(
            help="Folder that --sweep ... --plan-only wrote.", autocompletion=completion.run_folder
        ),
    ],
    number: Annotated[int, typer.Argument(min=1, help="Of the point, from 1.")],
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Play one point of a sweep and nothing else.

    Examples:
    compare point results/SWEEP 3
    """
    if not is_sweep(sweep):
        raise UserError(f"'{sweep}' is no sweep: make one by --sweep FIELD=VALUES --plan-only")
    folder = SweepFolder(sweep)
    with watched(quiet) as progress:
        played, interrupted = play_point(folder, number, progress)
    if not played.exists():  # interrupted before it began
        raise typer.Exit(interrupts.exit_code())
    end_run(played, interrupted, json, View())
