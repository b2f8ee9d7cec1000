"""TensorBoard event files: one folder per run and cell, to be shown by `tensorboard --logdir`.

Written by the package tensorboard alone: records in its own format, without TensorFlow.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from compare.archive.tidy import settings_of
from compare.errors import UserError
from compare.extras import needed
from compare.findings.cell_summary import CellSummary
from compare.findings.cells import Cell
from compare.findings.summary import Summary
from compare.records.record_types import AnyRecord

from . import cells_of, file_name, training_seconds


class _Scalar(NamedTuple):
    tag: str
    step: int
    value: float
    seconds: float  # of training, before it


class TensorBoardExporter:
    name = "tensorboard"

    def export(self, summary: Summary, records: Sequence[AnyRecord], target: str) -> str:
        """Into `target`, a log folder, by default "tensorboard"; what was there of the same run is
        written over."""
        events = needed("tensorboard.compat.proto.event_pb2", "tensorboard")
        hparams = needed("tensorboard.plugins.hparams.summary_v2", "tensorboard")
        folder = Path(target or "tensorboard") / file_name(summary.run_id)
        for row, cell, started in cells_of(summary, records):
            settings = {**settings_of(summary.experiment), "backend": row.backend, "mode": row.mode}
            known = {name: value for name, value in settings.items() if value is not None}
            found = [events.Event(wall_time=started, file_version="brain.Event:2")]
            found.append(
                events.Event(
                    wall_time=started, summary=hparams.hparams_pb(known, row.label, started)
                )
            )
            for one in _scalars(row, cell):
                event = events.Event(wall_time=started + one.seconds, step=one.step)
                event.summary.value.add(tag=one.tag, simple_value=one.value)
                found.append(event)
            _write(folder / file_name(row.label), int(started), found)
        return str(folder)


def _scalars(row: CellSummary, cell: Cell) -> Iterator[_Scalar]:
    """Losses by step; validation by step; seconds per step by timed window; figures at the end."""
    seconds = training_seconds(cell)
    for step, loss in enumerate(cell.losses()):
        yield _Scalar("loss/train", step, loss, seconds[step])
    end = seconds[-1] if seconds else 0.0
    for one in cell.evaluations:
        after = seconds[min(one.step, len(seconds)) - 1] if seconds else 0.0
        yield _Scalar("loss/validation", one.step, one.loss, after)
        for metric, score in one.quality.items():
            yield _Scalar(f"quality/{metric}", one.step, score.value, after)
    for number, took in enumerate(row.window_step_seconds):
        yield _Scalar("window/step_seconds", number, took, end)
    rate = row.tokens_per_second
    for name, value in {
        "tokens_per_second": rate.value if rate else None,
        "peak_memory_bytes": row.peak_memory_bytes,
    }.items():
        if value is not None:
            yield _Scalar(f"figure/{name}", len(seconds), value, end)


def _write(folder: Path, started: int, found: Sequence[Any]) -> None:
    record_writer = needed("tensorboard.summary.writer.record_writer", "tensorboard")
    path = folder / f"events.out.tfevents.{started}.compare"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            writer = record_writer.RecordWriter(file)
            for event in found:
                writer.write(event.SerializeToString())
    except OSError as error:
        raise UserError(f"cannot write to '{path}': {error.strerror}") from None


exporter = TensorBoardExporter()
