"""`compare diff BASE NEW`: fit for continuous integration."""

import re
from pathlib import Path
from typing import Annotated

import typer

from compare.archive.diff import CellDiff, Diff
from compare.archive.diff_folders import diff_folders
from compare.commands import options
from compare.commands.tables import print_fitting
from compare.errors import UserError
from compare.findings.number_text import NOTHING, memory, number, with_half
from compare.records.record_types import Status
from compare.records.values import Estimate

CANNOT_TELL = 3
_SPEED = ("backend", "tokens/s, base", "new", "new / base", "speed")
_OTHERS = ("backend", "noise", "could have seen", "peak, base", "peak, new", "loss diff.")


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
    print_fitting(_SPEED, [_speed(cell) for cell in found.cells], styles)
    print_fitting(_OTHERS, [_others(cell) for cell in found.cells], styles)
    for note in found.notes:
        print(f"note: {note}")
    for regression in found.regressions:
        print(f"regression: {regression.text}")
    for cell in found.blind:
        least = number(cell.smallest_slowdown, "{:.1%}") if cell.smallest_slowdown else "any"
        print(
            f"cannot tell: {cell.label} could be slower by more than {100 * found.fail_over:g}%"
            f" unseen; the smallest slowdown that these runs could have shown is {least}"
        )
    if not found.regressions and not found.blind:
        print(f"no regression beyond {100 * found.fail_over:g}% and noise")


def _speed(cell: CellDiff) -> list[str]:
    return [
        cell.label,
        _rate(cell.base_status, cell.base_tokens_per_second),
        _rate(cell.new_status, cell.new_tokens_per_second),
        with_half(cell.speed, "{:.3f}"),
        cell.verdict or NOTHING,
    ]


def _rate(status: Status, rate: Estimate | None) -> str:
    return with_half(rate, "{:,.0f}") if status == "ok" else status


def _others(cell: CellDiff) -> list[str]:
    return [
        cell.label,
        number(cell.noise, "{:.1%}"),
        number(cell.smallest_slowdown, "{:.1%}"),
        memory(cell.base_peak_memory_bytes),
        memory(cell.new_peak_memory_bytes),
        number(cell.loss_difference, "{:.1e}"),
    ]
