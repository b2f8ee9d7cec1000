"""Reading the records that runs left behind.

A report is made of what can be read, and says what can not; only what goes on writing to a run
takes its records whole or not at all. Nothing here changes a folder.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from compare.errors import UserError
from compare.records.record_types import (
    ANY_RECORD,
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    AnyRecord,
    Header,
)
from compare.records.run_folder import RECORDS, RunFolder

_NUMBERS_SHOWN = 3
_NOT_JSON = "not JSON"
_OF_RUN = {"target", "threads"}
_OF_MACHINE = {"cpu", "cpus", "memory_bytes", "system", "python"}


class FoundRecords(NamedTuple):
    """The records of a run that can be read, the header first, and in words what can not."""

    records: list[AnyRecord]
    problems: list[str]


def read(folder: RunFolder) -> FoundRecords:
    """What can be read of a folder's records, which is left as it is.

    Raises UserError, naming what is wrong, where there is no header that can be read.
    """
    return parse(folder, content_of(folder))


def read_records(folder: RunFolder) -> list[AnyRecord]:
    """The records of a folder that is going to be added to: every whole line.

    Raises UserError where any of them cannot be read, or is of a newer schema.
    """
    content = content_of(folder)
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        raise UserError(f"'{folder.path}' is no run folder: it has no whole header")
    records, problems = parse(folder, whole)
    if problems:
        raise UserError(f"'{folder.path}' cannot be resumed: {problems[0]}")
    return records


def content_of(folder: RunFolder) -> bytes:
    """The records as bytes; raises UserError where there are none."""
    path = folder.path
    try:
        return (path / RECORDS).read_bytes()
    except FileNotFoundError:
        raise UserError(f"'{path}' is no run folder: it has no {RECORDS}") from None
    except OSError as error:
        raise UserError(f"'{path / RECORDS}' cannot be read: {error.strerror}") from None


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def parse(folder: RunFolder, content: bytes) -> FoundRecords:
    """The same, of records that were read already."""
    lines = content.split(b"\n")
    last = lines.pop()
    header = _header(folder, lines[0] if lines else last)
    newer = header.schema_version > SCHEMA_VERSION
    version = f"a newer schema ({header.schema_version})"
    records: list[AnyRecord] = [header]
    unread: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines[1:], 2):
        record = _record(line, newer)
        if isinstance(record, str):
            unread[record].append(number)
        else:
            records.append(record)
    problems = [f"it is of {version}: what that has added is left out"] if newer else []
    for what, numbers in unread.items():
        if newer and what != _NOT_JSON:
            lines_of = "1 line of" if len(numbers) == 1 else f"{len(numbers):,} lines of"
            problems.append(f"{lines_of} {version} {_are(numbers)} not understood")
        else:
            problems.append(f"{_lines(numbers)} of {RECORDS} {_are(numbers)} {what}")
    if last and lines:  # a line that lacks nothing but its end is whole
        record = _record(last, newer)
        if isinstance(record, str):
            problems.append(f"the last line of {RECORDS} was cut short")
        else:
            records.append(record)
    return FoundRecords(records, problems)


def _record(line: bytes, newer: bool) -> AnyRecord | str:
    """The record of a line, or what the line is instead; unknown fields of a newer schema are
    ignored."""
    try:
        return ANY_RECORD.validate_json(line, extra="ignore" if newer else None)
    except ValidationError as error:
        is_json = error.errors(include_url=False)[0]["type"] != "json_invalid"
        return f"no record of schema {SCHEMA_VERSION}" if is_json else _NOT_JSON


def _header(folder: RunFolder, line: bytes) -> Header:
    """The header in the first line; raises UserError, naming what is wrong, where it is none.

    One of a newer schema has to make sense without its unknown fields.
    """
    where, no_header = f"'{folder.path}'", f"the first line of its {RECORDS} is no header"
    if not line:
        raise UserError(f"{where} cannot be read: its {RECORDS} begins with no header")
    try:
        found = from_json(line)
    except ValueError:
        raise UserError(f"{where} cannot be read: {no_header}, and not JSON") from None
    if not isinstance(found, dict) or found.get("kind") != "header":
        raise UserError(f"{where} is no run folder: {no_header}")
    version = found.get("schema_version")
    if not isinstance(version, int) or version < min(READABLE_VERSIONS):
        known = " and ".join(map(str, READABLE_VERSIONS))
        raise UserError(f"{where} cannot be read: schema version {version}, this one reads {known}")
    newer = version > SCHEMA_VERSION
    try:
        record = ANY_RECORD.validate_json(line, extra="ignore" if newer else None)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"][1:]))
        what = f"its header is damaged, {place} is not what a header has there"
        raise UserError(f"{where} cannot be read: {_newer(version) if newer else what}") from None
    assert isinstance(record, Header)
    if newer and not (record.run.keys() >= _OF_RUN and record.machine.keys() >= _OF_MACHINE):
        raise UserError(f"{where} cannot be read: {_newer(version)}")
    return record


def _newer(version: int) -> str:
    return f"schema version {version} is newer than this one reads ({SCHEMA_VERSION})"


def _lines(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    shown = ", ".join(map(str, numbers[:_NUMBERS_SHOWN]))
    left = len(numbers) - _NUMBERS_SHOWN
    return f"lines {shown} and {left:,} more" if left > 0 else f"lines {shown}"


def _are(numbers: Sequence[int]) -> str:
    return "is" if len(numbers) == 1 else "are"
