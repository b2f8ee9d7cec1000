"""`compare diff BASE NEW`: fit for continuous integration."""

import re
from pathlib import Path
from typing import Annotated

import typer

from compare.archive.diff import Diff
from compare.archive.diff_folders import diff_folders
from compare.commands import options
from compare.commands.tables import print_fitting
from compare.errors import UserError
from compare.reporting.diff_words import OTHERS, SPEED, conclusions, others_row, speed_row

CANNOT_TELL = 3


def diff(
    base: Annotated[Path, typer.Argument(help="Folder of a run or a sweep.")],
    new: Annotated[Path, typer.Argument(help="Folder of the one that is judged.")],
    fail_over: Annotated[str, typer.Option(help="What is too much, beyond noise.")] = "5%",
    allow_blind: Annotated[
        bool,
        typer.Option("--allow-blind", help="Exit with 0 where it cannot be told."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Did anything get slower, larger or numerically different?"""
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
        print(f"note: {note}")
    for conclusion in conclusions(found):
        print(conclusion)
