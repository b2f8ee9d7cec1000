"""`compare.load`: the runs under a folder as one pandas table."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd
from pydantic import BaseModel

from compare.archive.stored import read_summary
from compare.archive.tidy import TidyRow, point_id, rows_of
from compare.errors import UserError, unknown
from compare.records.explanations import read_explanations
from compare.records.reading import read
from compare.records.record_types import Header, Window, current, header_of
from compare.records.run_folder import RunFolder
from compare.records.run_folders import run_folders
from compare.records.sweep_folder import SweepFolder, is_sweep

What = Literal["cells", "losses", "windows", "explanations"]

COLUMNS = (
    "run_id", "started", "task", "preset", "fingerprint", "backend", "mode", "status", "reason",
    "device",
)  # fmt: skip
_TEXTS = {
    *COLUMNS, "versions", "data", "architecture", "dtype", "dropout_masks", "optimizer", "cpu",
    "system", "python", "role", "losses", "model", "of", "asked", "method", "token",
    "experiment", "metric", "why", "run",
}  # fmt: skip


def load(path: str | Path = "results", what: What = "cells") -> pd.DataFrame:
    """The runs under a folder, and the points of sweeps, or a run folder alone, as a tidy table.

    - "cells": a row for each backend and mode of each run. Which run: run_id (of a sweep's point
      SWEEP/POINT), started (UTC), task, preset, fingerprint. What came out, in nats, tokens/s,
      seconds and bytes: the columns of a run's `summary.csv`; one with an interval is three, with
      _low and _high. How: data, architecture, layers, hidden, batch, accumulation,
      sequence_length, steps, validation_batches, seed, dtype, dropout_masks, optimizer,
      learning_rate; a sweep's values by field, such as train.batch; cpu, cpus, threads, system,
      python, machine_memory_bytes, versions.
    - "losses": run_id, backend, mode, ranks, step (from 0), loss (nats per token, NaN where it was
      not finite) of each training step.
    - "windows": run_id, started, task, every field of `compare.records.record_types.Window`, its
      `cell` as backend, mode, ranks, echo and control; seconds, bytes, its losses as a list.
    - "explanations": run_id, and a row for each score that `compare explain` gave: model, of,
      backend, mode, example, asked, method, position (from 0), token, score (nats); value,
      baseline and gap of its text, see `compare.records.explanations.Explanation`.

    docs/results.md has every column. What cannot be read is a warning that names its folder.
    Raises UserError where there is no such folder.
    """
    if what not in get_args(What):
        raise unknown("table", what, get_args(What))
    if not Path(path).is_dir():
        raise UserError(f"'{path}' is no folder of runs")
    rows: list[TidyRow] = []
    for run in _runs(Path(path)):
        try:
            found, problems = _TABLES[what](run)
        except UserError as error:
            warnings.warn(str(error), stacklevel=2)
            continue
        rows += found
        if problems:
            warnings.warn(f"'{run.folder.path}': {'; '.join(problems)}", stacklevel=2)
    return frame_of(rows, _LEAST_COLUMNS[what])


def frame_of(rows: list[TidyRow], columns: tuple[str, ...] = COLUMNS) -> pd.DataFrame:
    """Rows as a table whose columns are numbers, texts, truths or times, whatever is missing."""
    frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))
    for name in frame:
        values = frame[name]
        if name == "started":
            frame[name] = pd.to_datetime(values, utc=True, format="ISO8601")
        elif name == "steady":
            frame[name] = values.astype("boolean")
        elif name not in _TEXTS and values.isna().all():
            frame[name] = values.astype(float)
        elif name not in _TEXTS and values.dtype == object and _is_mixed(values):
            frame[name] = values.map(str, na_action="ignore")  # a sweep's, of which one is a word
    return frame


def _is_mixed(values: "pd.Series[Any]") -> bool:
    return values.dropna().map(type).nunique() > 1


class _Run(NamedTuple):
    folder: RunFolder
    swept: Mapping[str, Any]
    sweep: str

    def called(self, run_id: str) -> str:
        return point_id(self.sweep, run_id) if self.sweep else run_id


def _runs(root: Path) -> Iterator[_Run]:
    """Every run, and what is known of the sweep that it is a point of."""
    sweeps: dict[Path, tuple[str, dict[str, Mapping[str, Any]]]] = {}
    for path in run_folders(root, into_sweeps=True, unreadable=_unreadable):
        above = path.absolute().parent
        if above not in sweeps:
            sweeps[above] = _swept(above)
        sweep, points = sweeps[above]
        yield _Run(RunFolder(path), points.get(path.absolute().name, {}), sweep)


def _swept(folder: Path) -> tuple[str, dict[str, Mapping[str, Any]]]:
    """A sweep's name and the values of its points; nothing for any other folder."""
    if not is_sweep(folder):
        return "", {}
    try:
        sweep = SweepFolder(folder).sweep()
    except (OSError, ValueError, UserError) as error:
        warnings.warn(f"{error}: the values of its points are not known", stacklevel=4)
        return folder.name, {}
    return sweep.run_id, {point.name: point.values for point in sweep.points}


def _unreadable(error: OSError) -> None:
    warnings.warn(f"'{error.filename}' cannot be read: {error.strerror}", stacklevel=5)


def _cells(run: _Run) -> tuple[list[TidyRow], list[str]]:
    summary, problems = read_summary(run.folder)
    rows = rows_of(summary, run.swept)
    return [{**row, "run_id": run.called(row["run_id"])} for row in rows], problems


def _losses(run: _Run) -> tuple[list[TidyRow], list[str]]:
    summary, problems = read_summary(run.folder)
    run_id = run.called(summary.run_id)
    rows = [
        {
            "run_id": run_id,
            "backend": cell.backend,
            "mode": cell.mode,
            "ranks": cell.ranks,
            "step": step,
            "loss": loss,
        }
        for cell in summary.cells
        for step, loss in enumerate(cell.losses)
    ]
    return rows, problems


def _windows(run: _Run) -> tuple[list[TidyRow], list[str]]:
    records, problems = read(run.folder)
    header: Header = header_of(records)
    about = {
        "run_id": run.called(header.run_id),
        "started": header.started.isoformat(timespec="seconds"),
        "task": header.experiment.task,
    }
    windows = [record for record in current(records) if isinstance(record, Window)]
    return [{**about, **_flat(window)} for window in windows], problems


def _explanations(run: _Run) -> tuple[list[TidyRow], list[str]]:
    run_id = run.called(run.folder.run_id)
    rows = [
        {"run_id": run_id, **about, "position": position, "token": token, "score": score}
        for one in read_explanations(run.folder.path)
        for about in [one.model_dump(exclude={"tokens", "scores"})]
        for position, (token, score) in enumerate(zip(one.tokens, one.scores, strict=True))
    ]
    return rows, []


def _flat(window: Window) -> TidyRow:
    # Records leave out what ranks alone have; a table has every column.
    return {**_every_field(window.cell), **_every_field(window)}


def _every_field(record: BaseModel) -> TidyRow:
    names = [name for name in type(record).model_fields if name not in ("kind", "cell")]
    return {name: getattr(record, name) for name in names}


_TABLES: dict[What, Callable[[_Run], tuple[list[TidyRow], list[str]]]] = {
    "cells": _cells,
    "losses": _losses,
    "windows": _windows,
    "explanations": _explanations,
}
_LEAST_COLUMNS: dict[What, tuple[str, ...]] = {
    "cells": COLUMNS,
    "losses": ("run_id", "backend", "mode", "ranks", "step", "loss"),
    "windows": ("run_id", "backend", "mode", "echo", "control", "role", "index", "seconds"),
    "explanations": ("run_id", "model", "example", "method", "position", "token", "score"),
}
