"""A suite's folder: a run of each task, found again by what was asked for.

results/<name>/
    suite.json              what was asked for: of each task in turn
    lm-small-3f2a91c0/      the run of one task, a run folder like any other
    report.md, summary.csv and the like, made across them
"""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from compare.errors import UserError
from compare.records.differences import differing_fields, in_short
from compare.records.place import write_whole
from compare.records.reading import read
from compare.records.record_types import SCHEMA_VERSION, header_of
from compare.records.run_folder import RECORDS, RunFolder
from compare.records.sweep_folder import is_sweep
from compare.records.values import Record, Request
from compare.version import VERSION

MANIFEST = "suite.json"


class Suite(Record):
    """What was asked for."""

    schema_version: int = SCHEMA_VERSION
    suite_version: str = VERSION
    requests: list[Request]


class SuiteFolder:
    """The folder, which may not be there yet, and the runs in it."""

    def __init__(self, path: Path) -> None:
        if (path / RECORDS).exists() or is_sweep(path):
            raise UserError(f"'{path}' is a run or a sweep: a suite takes a folder of its own")
        self.path = path

    @classmethod
    def new(cls, results: Path, preset: str) -> "SuiteFolder":
        """One that nothing was played in, not made yet."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        return cls(results / f"{stamp}-suite-{preset}-{secrets.token_hex(2)}")

    def write(self, suite: Suite) -> None:
        """The manifest, and the folder; raises UserError where it cannot be made."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write to '{self.path}': {error.strerror}") from None
        write_whole(self.path / MANIFEST, suite.model_dump_json(indent=2))

    def suite(self) -> Suite:
        """The manifest; raises UserError where it cannot be read."""
        try:
            return Suite.model_validate_json((self.path / MANIFEST).read_bytes())
        except OSError as error:
            raise UserError(f"'{self.path}' cannot be read: {error.strerror}") from None
        except ValidationError:
            raise UserError(
                f"'{self.path / MANIFEST}' cannot be read: it was cut off, or another version wrote"
                " it; compare report reads the runs, and compare suite begins anew"
            ) from None

    def runs(self) -> Iterator[RunFolder]:
        """Those that were begun."""
        for path in sorted(self.path.iterdir()) if self.path.is_dir() else ():
            if RunFolder(path).exists():
                yield RunFolder(path)

    def run_of(self, request: Request) -> RunFolder | None:
        """The run that was begun for just this request.

        Raises UserError where one of the same task was asked for otherwise: a table of both would
        be of no one suite.
        """
        for run in self.runs():
            asked = header_of(read(run).records).request
            if asked and asked.task == request.task:
                asked = asked.model_copy(update={"folder": request.folder})  # typed from anywhere
                if asked == request:
                    return run
                fields = differing_fields(asked.model_dump(), request.model_dump())
                raise UserError(
                    f"'{run.path}' was asked for otherwise ({in_short(fields)}): --out takes"
                    " another folder"
                )
        return None

    def new_run(self, request: Request) -> RunFolder:
        """A folder of this one that no run has the name of, not made yet."""
        name = f"{request.task}-{request.preset}-{secrets.token_hex(4)}"
        return RunFolder(self.path / name)


def is_suite(path: Path) -> bool:
    return (path / MANIFEST).is_file()
