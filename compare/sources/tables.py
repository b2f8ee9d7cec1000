"""Tables with named columns: CSV, TSV, JSON Lines, and JSON arrays of objects."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from compare.errors import UserError, unknown
from compare.sources.bad_rows import BadRow, BadRows
from compare.sources.files import unpacked_name
from compare.sources.lines import place, read_lines, read_text, usable

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
JSON = ".json"
ENDINGS = (*DELIMITERS, *JSON_LINES, JSON)

_WHOLLY_QUOTED = re.compile(r'"([^"]|"")*"')

Record = tuple[str, Mapping[str, object]]  # where it is, and its values by column


def read_table(
    path: Path, source: str | None, target: str | None, bad: BadRows
) -> list[tuple[str, str]]:
    """Two columns of a CSV, TSV, JSON or JSON Lines file, row by row; its ending says which it is.

    Empty lines are skipped. Numbers become text; `translation.de` names a column within a column.
    Raises UserError, with the line, for whatever keeps the file from being such a table, and for
    columns that it does not have or that are not named; rows of which a cell is empty or no text
    are `bad`.
    """
    return [(row[0], row[1]) for row in _cells(path, (source, target), bad)]


def read_column(path: Path, column: str, bad: BadRows) -> list[str]:
    """One column, as `read_table` reads two."""
    return [row[0] for row in _cells(path, (column,), bad)]


def _cells(path: Path, columns: Sequence[str | None], bad: BadRows) -> list[list[str]]:
    rows = []
    for where, record in _records(path, bad):
        named = [column for column in columns if column is not None]
        if len(named) < len(columns):
            raise UserError(
                f"data '{path}' has columns {', '.join(record)}: name two of them, with "
                "--set task.source=... and --set task.target=..."
            )
        with bad:
            rows.append([_cell(record, column, where, path) for column in named])
    if not rows and not bad.kinds:
        raise UserError(f"data '{path}' has no row below its header")
    return rows


def is_table(name: str) -> bool:
    """Whether a file of this name has named columns."""
    return unpacked_name(Path(name)).suffix.lower() in ENDINGS


def _records(path: Path, bad: BadRows) -> Iterator[Record]:
    ending = unpacked_name(path).suffix.lower()
    if ending in DELIMITERS:
        return _csv_records(path, DELIMITERS[ending], bad)
    # Files of JSON Lines are often named like JSON; an array begins with its bracket.
    if ending == JSON and read_text(path).lstrip().startswith("["):
        return _json_array(path)
    return _json_records(path, bad)


def as_text(value: object, where: str) -> str:
    """What a cell says: text, a number as text, nothing for null and for no number (NaN, as
    columns of numbers have for what is missing); raises BadRow for the rest."""
    if value is None or value != value:
        return ""
    if not isinstance(value, str | int | float):
        raise BadRow("no text", f"{where} is no text but a {type(value).__name__}")
    text = str(value)
    if "\0" in text:
        raise BadRow("no text", f"{where} has a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can name halves of a character, such as "\ud83e"
        raise BadRow("no text", f"{where} is not valid Unicode") from None
    return text


def _cell(record: Mapping[str, object], column: str, where: str, path: Path) -> str:
    value: object = record
    for part in (column,) if column in record else column.split("."):
        if not isinstance(value, Mapping) or part not in value:
            # All rows of a table have its columns; of JSON each object has its own.
            place_of = f"'{path}'" if unpacked_name(path).suffix.lower() in DELIMITERS else where
            raise unknown("column", column, _names(record), place_of)
        value = value[part]
    where = f"{where}, column '{column}'"
    return usable(as_text(value, where), where)


def _names(record: Mapping[str, object]) -> Iterator[str]:
    """Of all columns, those within columns with dots."""
    for name, value in record.items():
        inner = value if isinstance(value, Mapping) else {}
        yield from (f"{name}.{each}" for each in _names(inner)) if inner else (name,)


def _json_array(path: Path) -> Iterator[Record]:
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"data '{path}' is not JSON: {error}") from None
    for number, record in enumerate(found, 1):
        where = f"data '{path}', item {number}"
        if not isinstance(record, dict):
            raise UserError(f"{where} is no JSON object: an array of objects is a table")
        yield where, record


def _json_records(path: Path, bad: BadRows) -> Iterator[Record]:
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        record = None
        with bad:
            record = _json_object(line, place(path, number))
        if record is not None:
            yield place(path, number), record


def _json_object(line: str, where: str) -> dict[str, object]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRow("no JSON", f"{where} is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise BadRow(
            "no JSON",
            f"{where} is no JSON object: each line needs one, such as "
            '{"source": "...", "target": "..."}',
        )
    return record


def _csv_records(path: Path, delimiter: str, bad: BadRows) -> Iterator[Record]:
    (first, header), *rows = _csv_rows(path, delimiter)
    for name in header:
        if name and header.count(name) > 1:
            raise UserError(f"{place(path, first)}: two columns are named '{name}'")
    for line, fields in rows:
        with bad:
            if len(fields) != len(header):
                separator = "tab" if delimiter == "\t" else "comma"
                raise BadRow(
                    "wrong columns",
                    f"{place(path, line)} has {len(fields)} fields, and the header {len(header)}: "
                    f"a field with a {separator} in it must be quoted",
                )
        if len(fields) == len(header):
            yield place(path, line), dict(zip(header, fields, strict=True))


def _csv_rows(path: Path, delimiter: str) -> list[tuple[int, list[str]]]:
    """The fields of each row, and the line of the file that it begins on."""
    text = read_text(path)
    if delimiter == "\t" and not _has_quoting(text):
        lines = enumerate(text.removesuffix("\n").split("\n"), 1)
        return [(n, line.removesuffix("\r").split("\t")) for n, line in lines if line.strip()]
    # Strict, or a quote that is never closed would swallow the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, line = [], 1
    limit = csv.field_size_limit(len(text) + 1)  # the module's own is low; `usable` has ours
    try:
        for fields in reader:
            if fields:
                rows.append((line, fields))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{place(path, line)}: the row that begins here is badly quoted ({error}): a field "
            "with quotation marks must be quoted, and each of its own marks doubled"
        ) from None
    finally:
        csv.field_size_limit(limit)
    return rows


def _has_quoting(text: str) -> bool:
    """Whether marks around a field of a TSV quote it, as spreadsheets write them. Many sets have
    none: a mark that a field begins with is a mark."""
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    rows = [line.split("\t") for line in lines if line.strip()]
    if any(len(fields) != len(rows[0]) for fields in rows):
        return '"' in text  # only with quoting can it be a table at all
    begun = [field for fields in rows for field in fields if field.startswith('"')]
    whole = all(_WHOLLY_QUOTED.fullmatch(field) for field in begun)
    return whole and any('""' in field[1:-1] for field in begun)
