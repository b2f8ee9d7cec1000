"""Figures over time: what every run under a folder measured, per experiment and backend."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from compare.records import Estimate, Status


class HistoryRow(BaseModel):
    """One cell of one run. Nats, bytes and seconds; null is what was not measured.

    `run` is the run's folder, relative to the one that was read; `machine` a line that tells
    machines apart. `upgrade` marks other versions than those of the row before of the same series,
    such as "torch 2.12.1 -> 2.13.0"; `ratio_to_before` is the rate over that of the last row of
    the series which was timed with those earlier versions.
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
        return (self.task, self.preset, self.experiment, self.machine, self.label)


class History(BaseModel):
    """`rows` series by series, in each the oldest first; `unreadable` has a line for each folder
    that could not be read."""

    folder: str
    rows: list[HistoryRow]
    unreadable: list[str]
