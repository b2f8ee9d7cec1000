"""`compare diff BASE NEW`: fit for continuous integration."""

import re
from pathlib import Path
from typing import Annotated

import typer

from compare.archive.diff import Diff
from compare.archive.diff_folders import diff_folders
from compare.commands import completion, options
from compare.commands.options import what
from compare.commands.tables import print_fitting, say
from compare.errors import UserError
from compare.reporting.diff_words import OTHERS, SPEED, conclusions, others_row, speed_row

CANNOT_TELL = 3


def diff(
    base: options.Run,
    new: Annotated[
        Path,
        typer.Argument(
            help="Folder of the one that is judged.", autocompletion=completion.run_folder
        ),
    ],
    fail_over: Annotated[str, what(help="What is too much, beyond noise.")] = "5%",
    allow_blind: Annotated[
        bool, what("--allow-blind", help="Exit with 0 where it cannot be told.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Did anything get slower, larger or numerically different?

    Exit code 1 says yes, 3 that these runs are too noisy to tell.

    Examples:
    compare diff results/BASE results/NEW
    compare diff results/BASE results/NEW --fail-over 2% --json
    """
    found = diff_folders(base, new, parse_percent(fail_over))
    if json:
        print(found.model_dump_json(indent=2))
    else:
        _print(found)
    if found.regressions:
        raise typer.Exit(1)
    raise typer.Exit(CANNOT_TELL if found.blind and not allow_blind else 0)


def parse_percent(text: str) -> float:
    """ "5%" as 0.05; raises UserError for what is none."""
    found = re.fullmatch(r"\s*(\d*\.?\d+)\s*%\s*", text)
    if not found:
        raise UserError(f"--fail-over takes a percentage such as 5%, not '{text}'")
    return float(found[1]) / 100


def _print(found: Diff) -> None:
    styles = ["red" if cell.regressions else "" for cell in found.cells]
    print_fitting(SPEED, [speed_row(cell) for cell in found.cells], styles)
    print_fitting(OTHERS, [others_row(cell) for cell in found.cells], styles)
    for note in found.notes:
        say(f"note: {note}")
    for conclusion in conclusions(found):
        say(conclusion)
