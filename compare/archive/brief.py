"""Which runs there are under a folder, and the few figures of each that lists of runs show."""

from pathlib import Path
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ValidationError

from compare.archive.stored import STORED, StoredSummary, read_summary
from compare.errors import UserError
from compare.records.reading import content_of, sha256
from compare.records.record_types import Status
from compare.records.run_folder import RECORDS, RunFolder
from compare.records.values import Estimate, labelled


class CellFigures(BaseModel):
    """The part of a `CellSummary` that a line about it shows."""

    backend: str
    mode: str
    ranks: int = 1
    status: Status
    reason: str = ""
    doubt: str = ""
    device: str | None = None
    versions: dict[str, str] = {}
    tokens_per_second: Estimate | None = None
    step_seconds: float | None = None
    peak_memory_bytes: int | None = None
    validation_loss: float | None = None

    @property
    def label(self) -> str:
        return labelled(self.backend, self.mode, self.ranks)


class ExperimentFigures(BaseModel):
    task: str


class EnvironmentFigures(BaseModel):
    started: AwareDatetime
    cpu: str = ""
    cpus: int | str = ""
    threads: int | str = ""


class RunFigures(BaseModel):
    """The part of a `Summary` that a line about it shows: losses of every step, which are most
    of it, are passed over."""

    preset: str
    fingerprint: str
    experiment: ExperimentFigures
    environment: EnvironmentFigures
    cells: list[CellFigures]


class _Stored(StoredSummary):
    summary: RunFigures  # type: ignore[assignment]  # a part of it


class Figures(NamedTuple):
    """Of one run, and in words what of its records could not be read; `records_sha256` is one for
    a run and its copies."""

    run: RunFigures
    problems: list[str]
    records_sha256: str


def brief_of(folder: Path) -> Figures:
    """From the stored summary where that is up to date, else from the records.

    Raises UserError where it is no run, or one of which nothing can be read.
    """
    try:
        stored = _Stored.model_validate_json((folder / STORED).read_bytes())
        if stored.is_of((folder / RECORDS).read_bytes()):
            return Figures(stored.summary, [], stored.records_sha256)
    except (OSError, ValidationError):
        pass  # there is none, or not one of ours
    summary, problems = read_summary(RunFolder(folder))
    try:
        run = RunFigures.model_validate(summary.model_dump())
    except ValidationError:
        raise UserError(f"'{folder}' cannot be read: another version wrote it") from None
    return Figures(run, problems, sha256(content_of(RunFolder(folder))))
