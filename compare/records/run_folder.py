"""The run folder, which holds what a run recorded.

    results/<run-id>/
        records.jsonl   one JSON object per line, the header first, appended as things happen
        inputs/         what every worker read; kept when a cell failed, so that it can be replayed
        logs/           stdout and stderr of each worker
        outputs/        what each backend made of the validation inputs, where the task judges it
        weights/        what was trained, by the echo too, with the tokenizer, when asked for by
                        --save-weights
        explanations.jsonl, explanations.json, explain.html, when asked for by `compare explain`
        thresholds.jsonl, when asked for by `compare fair` of a sweep
        summary.json, report.md, summary.csv and the like, made from the records

A run that was cut off is readable up to its last whole line.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from compare.errors import UserError, writing
from compare.records.place import require_place
from compare.records.record_types import ANY_RECORD, AnyRecord
from compare.records.values import CellName, Record

RECORDS = "records.jsonl"


class RunFolder:
    """One run's folder: appends records while running, reads them back at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, results: Path, task: str, preset: str) -> "RunFolder":
        """A new folder under `results` that no other run, now or ever, has the name of."""
        return cls(new_folder(results, task, preset)).make()

    def make(self) -> "RunFolder":
        """The folder, made where it is not there."""
        (self.path / "logs").mkdir(parents=True, exist_ok=True)
        return self

    def exists(self) -> bool:
        """Whether a run was begun here: the header is written."""
        try:
            with (self.path / RECORDS).open("rb") as file:
                return file.readline().endswith(b"\n")
        except OSError:
            return False

    def size(self) -> int:
        """Bytes of the records: more of them, and what was made of them is out of date."""
        return (self.path / RECORDS).stat().st_size

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def inputs(self) -> Path:
        return self.path / "inputs"

    def log(self, cell: CellName, round_: int) -> Path:
        """Where a cell's worker writes what its framework prints."""
        kinds = {"-echo": cell.echo, "-control": cell.control, "-silent": cell.silent}
        part = next((text for text, is_it in kinds.items() if is_it), "")
        return self.path / "logs" / f"{_file_name(cell)}{part}-round{round_}.log"

    def outputs(self, cell: CellName) -> Path:
        """Where a cell's outputs for the validation examples are kept, one JSON object a line."""
        return self.path / "outputs" / f"{_file_name(cell)}.jsonl"

    def weights(self, cell: CellName) -> Path:
        """Where a cell's final weights are kept, of an echo too: how far rounding drives them."""
        part = "-echo" if cell.echo else ""
        return self.path / "weights" / f"{_file_name(cell)}{part}.npz"

    @property
    def tokenizer(self) -> Path:
        return self.path / "weights" / "tokenizer.json"

    def append(self, record: Record) -> None:
        """Add one line, on disk when this returns; raises UserError where it cannot be written."""
        path = self.path / RECORDS
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(record.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> list[AnyRecord]:
        """Every whole line; a last line that a crash cut short is left out."""
        lines = (self.path / RECORDS).read_bytes().split(b"\n")[:-1]
        return [ANY_RECORD.validate_json(line) for line in lines]

    def mend(self) -> None:
        """Take away a last line that a crash cut short, so that another can be added."""
        path = self.path / RECORDS
        if path.exists():
            os.truncate(path, path.read_bytes().rfind(b"\n") + 1)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process from playing in this folder.

        Raises UserError while another one does; the lock of one that crashed is gone with it.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"'{self.path}' is being played by another process") from None
            yield
        finally:
            os.close(descriptor)


def new_folder(results: Path, *names: str) -> Path:
    """A new folder under `results` that no other run, now or ever, has the name of.

    Raises UserError where it cannot be made.
    """
    require_place(results)
    try:
        results.mkdir(parents=True, exist_ok=True)
        while True:
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            path = results / "-".join([stamp, *names, secrets.token_hex(2)])
            with suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise UserError(f"cannot write to '{results}': {error.strerror}") from None


def _file_name(cell: CellName) -> str:
    ranks = f"-x{cell.ranks}" if cell.ranks > 1 else ""
    return "".join(c if c.isalnum() else "-" for c in f"{cell.backend}-{cell.mode}{ranks}")
