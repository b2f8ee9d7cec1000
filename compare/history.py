"""Figures over time: what every run under a folder measured, per experiment and backend."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict
from rich import box
from rich.table import Table
from rich.text import Text

from compare import options
from compare.catalogue import CellFigures, RunFigures, figures_of, run_folders
from compare.commands import print_whole
from compare.differences import upgrades
from compare.errors import UserError, unknown
from compare.figures import estimate, memory, number
from compare.plugins import installed
from compare.records import Estimate, Status

_MOST_ROWS = 100  # nobody reads more on a terminal


class HistoryRow(BaseModel):
    """One cell of one run. Nats, bytes and seconds; null is what was not measured.

    `run` is the run's folder, relative to the one that was read; `machine` a line that tells
    machines apart, and how many of its threads were used. `upgrade` marks other versions than
    those of the row before of the same series, such as "torch 2.12.1 -> 2.13.0";
    `ratio_to_before` is the rate over that of the last row of the series which was timed with
    those earlier versions.
    """

    model_config = ConfigDict(ser_json_inf_nan="null")

    run: str
    started: datetime
    task: str
    preset: str
    experiment: str
    machine: str
    backend: str
    mode: str
    status: Status
    versions: dict[str, str]
    upgrade: str = ""
    tokens_per_second: Estimate | None
    ratio_to_before: Estimate | None = None
    step_seconds: float | None
    peak_memory_bytes: int | None
    validation_loss: float | None

    @property
    def label(self) -> str:
        return f"{self.backend}:{self.mode}"

    @property
    def series(self) -> tuple[str, ...]:
        """Rows of equal series are the same training in the same place, at different times.
        `experiment` is the first twelve digits of a fingerprint."""
        return (self.task, self.experiment, self.machine, self.label)


class History(BaseModel):
    """`rows` series by series, in each the oldest first; `unreadable` has a line for each folder
    that could not be read, or not whole."""

    folder: str
    rows: list[HistoryRow]
    unreadable: list[str]


def history(
    folder: Annotated[Path, typer.Argument(help="Folder of runs.")] = Path("results"),
    task: Annotated[str, typer.Option(help="Only runs of this task.")] = "",
    backend: Annotated[str, typer.Option(help="Only these, such as torch:eager,jax.")] = "",
    format_: Annotated[str, typer.Option("--format", help="Such as html: print a page.")] = "",
    json: options.Json = False,
) -> None:
    """Figures over time, the frameworks' upgrades marked."""
    render = _renderer(format_) if format_ else None
    found = read_history(folder, task, options.split_backends(backend))
    if json:
        print(found.model_dump_json(indent=2))
    elif render:
        page = render(found)
        sys.stdout.buffer.write(page if isinstance(page, bytes) else page.encode())
    else:
        _print(found)
    for line in found.unreadable:
        print(f"compare: left out: {line}", file=sys.stderr)


def read_history(
    folder: Path,
    task: str = "",
    backends: Sequence[str] = (),
    wanted: Callable[[Path], bool] = lambda run: True,
) -> History:
    """The history of the runs under a folder that are `wanted`, sweeps' points among them.

    `backends` are names, with a mode or without; none stands for all. Raises UserError where
    there is no such folder; runs in it that cannot be read are told, and left out.
    """
    if not folder.is_dir():
        raise UserError(f"'{folder}' is no folder")
    rows, unreadable = list[HistoryRow](), list[str]()

    def not_listed(error: OSError) -> None:
        unreadable.append(f"'{error.filename}' cannot be read: {error.strerror}")

    for path in filter(wanted, run_folders(folder, into_sweeps=True, unreadable=not_listed)):
        try:
            figures, problems = figures_of(path)
        except UserError as error:
            unreadable.append(str(error))
            continue
        unreadable += [f"'{path}': {problem}" for problem in problems]
        if not task or figures.experiment.task == task:
            rows += _rows(path.relative_to(folder).as_posix(), figures, backends)
    return History(folder=str(folder), rows=in_series(rows), unreadable=unreadable)


def in_series(rows: Iterable[HistoryRow]) -> list[HistoryRow]:
    """Rows series by series, each in the order of time, with what changed between them."""
    ordered = sorted(rows, key=lambda row: (row.series, row.started, row.run))
    return [
        row
        for _, series in groupby(ordered, key=lambda row: row.series)
        for row in _changes(series)
    ]


def _changes(series: Iterable[HistoryRow]) -> Iterator[HistoryRow]:
    versions: dict[str, str] = {}
    timed: HistoryRow | None = None  # the last one of these versions
    before: HistoryRow | None = None  # the last one of the versions before them
    for row in series:
        changes: dict[str, Any] = {}
        if row.versions and row.versions != versions:
            changes["upgrade"] = upgrades(versions, row.versions) if versions else ""
            versions, before, timed = row.versions, timed or before, None
        if row.status == "ok" and row.tokens_per_second:
            timed = row
            if before and before.tokens_per_second:
                changes["ratio_to_before"] = _ratio(row.tokens_per_second, before.tokens_per_second)
        yield row.model_copy(update=changes)


def _ratio(ours: Estimate, theirs: Estimate) -> Estimate:
    """Of two rates that were measured apart: on a log scale their half-widths add in squares."""
    value = ours.value / theirs.value
    halves = [
        math.log(rate.high / rate.low) / 2 for rate in (ours, theirs) if rate.low and rate.high
    ]
    if len(halves) < 2:
        return Estimate(value=value, low=None, high=None)
    half = math.hypot(*halves)
    return Estimate(value=value, low=value * math.exp(-half), high=value * math.exp(half))


def _rows(run: str, figures: RunFigures, backends: Sequence[str]) -> Iterator[HistoryRow]:
    for cell in figures.cells:
        if backends and cell.backend not in backends and cell.label not in backends:
            continue
        yield HistoryRow(
            run=run,
            started=figures.environment.started,
            task=figures.experiment.task,
            preset=figures.preset,
            experiment=figures.fingerprint[:12],
            machine=_machine(figures, cell),
            backend=cell.backend,
            mode=cell.mode,
            status=cell.status,
            versions=cell.versions,
            tokens_per_second=cell.tokens_per_second,
            step_seconds=cell.step_seconds,
            peak_memory_bytes=cell.peak_memory_bytes,
            validation_loss=cell.validation_loss,
        )


def _machine(figures: RunFigures, cell: CellFigures) -> str:
    found = figures.environment
    device = f", {cell.device}" if cell.device not in (None, "cpu") else ""
    return f"{found.cpu}, {found.cpus} CPUs, {found.threads} threads{device}"


def _renderer(name: str) -> Any:
    """What a report format draws a history with."""
    points = installed("report")
    if name not in points:
        raise unknown("report format", name, points)
    report = points[name].load()
    if not hasattr(report, "render_history"):
        raise UserError(f"the report format '{name}' has no page for a history")
    return report.render_history


def _print(found: History) -> None:
    latest = {id(row) for row in sorted(found.rows, key=lambda row: row.started)[-_MOST_ROWS:]}
    shown = [row for row in found.rows if id(row) in latest]
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("started", "task", "experiment", "backend", "versions", "status"):
        table.add_column(title)
    for title in ("tokens/s", "of the versions before", "peak memory", "valid. loss"):
        table.add_column(title, justify="right")
    table.add_column("upgrade")
    table.add_column("machine")
    table.add_column("run")
    for row in shown:
        table.add_row(*map(Text, _texts(row)), style="bold" if row.upgrade else "")
    print_whole(table)
    if len(shown) < len(found.rows):
        print(f"and {len(found.rows) - len(shown):,} earlier ones: --json has them all")


def _texts(row: HistoryRow) -> list[str]:
    return [
        row.started.astimezone().strftime("%Y-%m-%d %H:%M"),
        f"{row.task} ({row.preset})",
        row.experiment,
        row.label,
        ", ".join(f"{name} {version}" for name, version in row.versions.items()),
        row.status,
        estimate(row.tokens_per_second, "{:,.0f}"),
        estimate(row.ratio_to_before, "{:.3f}"),
        memory(row.peak_memory_bytes),
        number(row.validation_loss, "{:.4f}"),
        row.upgrade,
        row.machine,
        row.run,
    ]
