"""Record types, and the run folder that holds them.

    results/<run-id>/
        records.jsonl   one JSON object per line, the header first, appended as things happen
        inputs/         what every worker read; kept when a cell failed, so that it can be replayed
        logs/           stdout and stderr of each worker
        outputs/        what each backend made of the validation inputs, where the task judges it
        weights/        what was trained, with the tokenizer, when asked for by --save-weights
        report.md, summary.csv and the like, made from the records when the run ends

A run that was cut off is readable up to its last whole line.
"""

import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from compare.errors import UserError
from compare.spec import Experiment

SCHEMA_VERSION = 2
RECORDS = "records.jsonl"

Status = Literal["ok", "skipped", "failed", "parity_failed", "interrupted"]
Role = Literal["first", "warmup", "steady"]


class Record(BaseModel):
    # JSON has no NaN: a diverged loss is stored as the string "NaN" and read back as a float.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class CellName(Record):
    """One experiment on one backend in one mode.

    The `echo` is not a row of the table: it is a backend that was started from weights
    perturbed in their last bit, with the rows of every batch in reverse order, to measure how far
    rounding alone drives curves apart.
    """

    backend: str
    mode: str
    echo: bool = False

    @property
    def label(self) -> str:
        return f"{self.backend}:{self.mode}" + (" (echo)" if self.echo else "")


class Estimate(Record):
    """A figure with its 95% interval; null ends where there was too little to tell from."""

    value: float
    low: float | None
    high: float | None


class Header(Record):
    """The first line: everything that was decided before a worker started."""

    kind: Literal["header"] = "header"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    started: datetime
    command: list[str]
    preset: str
    experiment: Experiment
    fingerprint: str
    run: dict[str, Any]
    floor: float | None
    ceilings: dict[str, float]
    metrics: list[str]
    machine: dict[str, str | int]
    environment: dict[str, str]
    cells: list[CellName]
    oracles: list[CellName] = Field(description="cells that are right by definition")


class Opened(Record):
    """A worker imported its framework. `memory_bytes` is resident while idle."""

    kind: Literal["opened"] = "opened"
    cell: CellName
    round: int
    seconds: float
    memory_bytes: int
    versions: dict[str, str]
    devices: list[str]


class Built(Record):
    """A trainer was built on `device` and given its weights."""

    kind: Literal["built"] = "built"
    cell: CellName
    round: int
    seconds: float
    device: str


class Window(Record):
    """Consecutive steps in one cell. `tokens` and `seconds` are of the timed steps alone;
    `lead_seconds` is what the untimed ones before them took.

    `first` is the very first step, compilation included; `warmup` settles caches; `steady`
    is what rates are made of, its first step trained but not timed.
    """

    kind: Literal["window"] = "window"
    cell: CellName
    round: int
    role: Role
    index: int
    first_step: int
    losses: list[float]
    timed_steps: int
    tokens: int
    seconds: float
    lead_seconds: float
    peak_bytes: int
    device_peak_bytes: int | None


class Evaluated(Record):
    """Mean loss over the validation split after `step` steps, nats per token, and the task's own
    metrics of the outputs."""

    kind: Literal["evaluated"] = "evaluated"
    cell: CellName
    round: int
    step: int
    loss: float
    tokens: int
    seconds: float
    quality: dict[str, Estimate] = {}


class Ended(Record):
    """How a cell ended in a round, with the reason and the end of its log where it went wrong."""

    kind: Literal["ended"] = "ended"
    cell: CellName
    round: int
    status: Status
    reason: str = ""
    log_tail: str = ""


AnyRecord = Annotated[
    Header | Opened | Built | Window | Evaluated | Ended, Field(discriminator="kind")
]
_ANY: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)


class RunFolder:
    """One run's folder: appends records while running, reads them back at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, results: Path, task: str, preset: str) -> "RunFolder":
        """A new folder under `results` that no other run, now or ever, has the name of."""
        while True:
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            path = results / f"{stamp}-{task}-{preset}-{secrets.token_hex(2)}"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise UserError(f"cannot write to '{results}': {error.strerror}") from None
            (path / "logs").mkdir()
            return cls(path)

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def inputs(self) -> Path:
        return self.path / "inputs"

    def log(self, cell: CellName, round_: int) -> Path:
        """Where a cell's worker writes what its framework prints."""
        echo = "-echo" if cell.echo else ""
        return self.path / "logs" / f"{_file_name(cell)}{echo}-round{round_}.log"

    def outputs(self, cell: CellName) -> Path:
        """Where a cell's outputs for the validation examples are kept, one JSON object a line."""
        return self.path / "outputs" / f"{_file_name(cell)}.jsonl"

    def weights(self, cell: CellName) -> Path:
        """Where a cell's final weights are kept."""
        return self.path / "weights" / f"{_file_name(cell)}.npz"

    @property
    def tokenizer(self) -> Path:
        return self.path / "weights" / "tokenizer.json"

    def append(self, record: Record) -> None:
        """Add one line, on disk when this returns."""
        with (self.path / RECORDS).open("a", encoding="utf-8") as file:
            file.write(record.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> list[AnyRecord]:
        """Every whole line; a last line that a crash cut short is left out."""
        lines = (self.path / RECORDS).read_text("utf-8").split("\n")[:-1]
        return [_ANY.validate_json(line) for line in lines]


def _file_name(cell: CellName) -> str:
    return "".join(c if c.isalnum() else "-" for c in f"{cell.backend}-{cell.mode}")


def header_of(records: Iterable[AnyRecord]) -> Header:
    """The header among records."""
    return next(record for record in records if isinstance(record, Header))
