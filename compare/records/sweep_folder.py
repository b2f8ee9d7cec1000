"""A sweep's folder: one experiment at every crossing of some settings' values, a run at each.

results/<run-id>/
    sweep.json            what was asked for, and the points
    batch=8,hidden=128/   the run of one point, a run folder like any other
    report.md, summary.csv and the like, made from the points
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from compare.errors import UserError
from compare.records.place import write_whole
from compare.records.record_types import SCHEMA_VERSION
from compare.records.run_folder import RunFolder
from compare.records.values import Record, Request
from compare.version import VERSION

MANIFEST = "sweep.json"
Outcome = Literal["", "done", "failed", "lost", "interrupted"]


class Point(Record):
    """One crossing: `values` by field, such as {"train.batch": 8}; `fingerprint` and `data_sha256`
    are of the experiment that was planned, whichever machine plays it. A point of weak scaling is
    played by `ranks` of its own, the batch of the most of them."""

    name: str
    values: dict[str, Any]
    ranks: list[int] = Field(default=[], exclude_if=lambda ranks: not ranks)
    fingerprint: str = ""
    data_sha256: str = ""


class Attempt(Record):
    """A point that was given to a machine of an engine, `stage` by its name. `outcome` is empty
    while it plays, "lost" where the machine went away, which `why` tells."""

    point: str
    stage: str
    started: datetime
    ended: datetime | None = None
    outcome: Outcome = ""
    why: str = ""


class Sweep(Record):
    """What was asked for: `axes` has the values of each swept field. `attempts` are those of an
    engine that spread the points over machines."""

    schema_version: int = SCHEMA_VERSION
    suite_version: str = VERSION
    run_id: str
    started: datetime
    command: list[str]
    request: Request
    axes: dict[str, list[Any]]
    points: list[Point]
    attempts: list[Attempt] = Field(default=[])

    def request_of(self, point: Point) -> Request:
        """What is asked of one point."""
        request = self.request.laid_over(point.values)
        return request.model_copy(update={"ranks": point.ranks}) if point.ranks else request


class SweepFolder:
    """A sweep's folder, and its points' run folders."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, sweep: Sweep) -> None:
        """The manifest."""
        write_whole(self.path / MANIFEST, sweep.model_dump_json(indent=2))

    def sweep(self) -> Sweep:
        """The manifest; raises UserError where it cannot be read."""
        try:
            return Sweep.model_validate_json((self.path / MANIFEST).read_bytes())
        except ValidationError:
            raise UserError(f"'{self.path}' cannot be read: another version wrote it") from None

    def run_folder(self, point: Point) -> RunFolder:
        return RunFolder(self.path / point.name)


def is_sweep(path: Path) -> bool:
    return (path / MANIFEST).is_file()
