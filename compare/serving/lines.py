"""What the list of runs shows of each: who was played, how far it is, what went wrong."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from compare.archive.brief import CellFigures, RunFigures
from compare.findings.number_text import estimate
from compare.records.reading import read
from compare.records.record_types import Window, header_of
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import Sweep

_WENT_WRONG = ("failed", "parity_failed", "interrupted")
_LONGEST = 160  # characters of a trouble: its page has all of it


class Line(NamedTuple):
    """One run or sweep. `status` says how it ended or how far it is, `trouble` what went wrong."""

    name: str
    address: str
    started: str = ""
    task: str = ""
    preset: str = ""
    backends: str = ""
    status: str = ""
    trouble: str = ""
    fastest: str = ""


def line_of_run(line: Line, run: RunFigures, progress: str) -> Line:
    """`progress` is how far a run is that is being played, empty where none is."""
    counts = Counter(cell.status for cell in run.cells)
    statuses = ", ".join(
        status if len(counts) == 1 else f"{count} {status}" for status, count in counts.items()
    )
    return line._replace(
        started=f"{run.environment.started:%Y-%m-%d %H:%M} UTC",
        task=run.experiment.task,
        preset=run.preset,
        backends=", ".join(cell.label for cell in run.cells),
        status=progress or statuses,
        trouble=_trouble(run.cells, is_running=bool(progress)),
        fastest=fastest(run.cells),
    )


def fastest(cells: Sequence[CellFigures]) -> str:
    """By name, with its rate; of rates that cannot be relied on none is."""
    rated = [(cell.tokens_per_second, cell) for cell in cells if cell.status == "ok"]
    rates = [(rate.value, cell) for rate, cell in rated if rate]
    if not rates:
        return ""
    if any(cell.doubt for _, cell in rates):
        return "not judged"
    _, cell = max(rates, key=lambda rate: rate[0])
    return f"{cell.label}, {estimate(cell.tokens_per_second, '{:,.0f}')} tokens/s"


def line_of_sweep(line: Line, sweep: Sweep, begun: int, running: bool) -> Line:
    """`begun` points of it."""
    status = f"{begun} of {len(sweep.points)} points"
    return line._replace(
        started=f"{sweep.started:%Y-%m-%d %H:%M} UTC",
        task=sweep.request.task,
        preset=f"{sweep.request.preset}, swept",
        backends=", ".join(sweep.request.backends),
        status=f"running, {status}" if running else status,
    )


def progress_of(folder: Path) -> str:
    """How far a run that is being played is: of the window that was recorded last."""
    records, _ = read(RunFolder(folder))
    header = header_of(records)
    last = next((one for one in reversed(records) if isinstance(one, Window)), None)
    if last is None:
        return "running"
    rounds, steps = int(header.run["rounds"]), header.experiment.train.steps
    of_rounds = f"round {last.round} of {rounds}" if last.round <= rounds else f"round {last.round}"
    step = last.first_step + len(last.losses)
    doing = f"step {step:,} of {steps:,}" if last.losses else "timing on"
    return f"running: {of_rounds}, {doing}"


def _trouble(cells: Sequence[CellFigures], is_running: bool) -> str:
    """What went wrong; of a run that goes on, what is not finished is not cut off."""
    wrong = [
        f"{cell.label} {cell.status}{f': {cell.reason}' if cell.reason else ''}"
        for cell in cells
        if cell.status in _WENT_WRONG and not (is_running and cell.status == "interrupted")
    ]
    text = " ".join("; ".join(wrong).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
