"""The raw data that a page carries along, as CSV by file name."""

import csv
import io
import math
from collections.abc import Iterable, Sequence

from compare.findings.summary import Summary

from ..csv import report as table
from .curves import matrix

MOST_NUMBERS = 150_000  # of the losses: some 1.7 MB
# Nine digits tell all float32 apart, 17 all float64 (IEEE 754-2019, section 5.12.2).
_DIGITS = {"fp64": 17}


def of_run(summary: Summary) -> dict[str, str]:
    """The table, the timed windows, and the losses with their differences, step by step."""
    files = {"summary.csv": table.render(summary)}
    windows = [
        [cell.label, str(number), repr(seconds)]
        for cell in summary.cells
        for number, seconds in enumerate(cell.window_step_seconds, 1)
    ]
    if windows:
        files["windows.csv"] = _csv([["backend", "window", "step_seconds"], *windows])
    if any(cell.losses for cell in summary.cells):
        files["losses.csv"] = _losses(summary)
    return files


def stride(summary: Summary) -> int:
    """Every how many steps the losses are carried: 1 unless they are too many."""
    steps = max((len(cell.losses) for cell in summary.cells), default=0)
    numbers = sum(len(cell.losses) + len(cell.loss_differences) for cell in summary.cells)
    return min(max(1, math.ceil(numbers / MOST_NUMBERS)), max(1, steps))


def _losses(summary: Summary) -> str:
    digits = _DIGITS.get(summary.experiment["train"]["dtype"], 9)
    columns = {cell.label: cell.losses for cell in summary.cells if cell.losses}
    for cell in summary.cells:
        if cell.loss_differences:
            columns[f"{cell.label} difference"] = cell.loss_differences
    if summary.allowed_loss_differences:
        columns["allowed difference"] = summary.allowed_loss_differences
    values = matrix(list(columns.values()))
    every, last = stride(summary), values.shape[1] - 1
    form = ",".join([f"%.{digits}g"] * len(columns))
    lines = [
        f"{step},{form % tuple(values[:, step].tolist())}\n".replace("nan", "")
        for step in sorted({*range(0, last + 1, every), last})
    ]
    return _csv([["step", *columns]]) + "".join(lines)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
