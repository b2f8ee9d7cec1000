"""Tables with named columns: CSV, TSV and JSON Lines."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from compare.errors import UserError, unknown

from .lines import place, read_lines, read_text, usable

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
ENDINGS = (*DELIMITERS, *JSON_LINES)

Record = tuple[int, Mapping[str, object]]  # the line it begins on, and its values by column


def read_table(path: Path, source: str | None, target: str | None) -> list[tuple[str, str]]:
    """Two columns of a CSV, TSV or JSON Lines file, row by row; its ending says which it is.

    Empty lines are skipped. Numbers become text. Raises UserError, with the line, for whatever
    keeps the file from being such a table, for columns that it does not have or that are not
    named, and for cells in them that are empty or no text.
    """
    delimiter = DELIMITERS.get(path.suffix.lower())
    records = _json_records(path) if delimiter is None else _csv_records(path, delimiter)
    rows = []
    for line, record in records:
        if source is None or target is None:
            raise UserError(
                f"data '{path}' has columns {', '.join(record)}: name two of them, with "
                "--set task.source=... and --set task.target=..."
            )
        for column in (source, target):
            if column not in record:
                where = place(path, line) if delimiter is None else f"'{path}'"
                raise unknown("column", column, record, where)
        rows.append((_cell(record, source, path, line), _cell(record, target, path, line)))
    if not rows:
        raise UserError(f"data '{path}' has no row below its header")
    return rows


def as_text(value: object, where: str) -> str:
    """What a cell says: text, a number as text, nothing for null; raises UserError for the rest."""
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise UserError(f"{where} is no text but a {type(value).__name__}")
    text = str(value)
    if "\0" in text:
        raise UserError(f"{where} has a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can name halves of a character, such as "\ud83e"
        raise UserError(f"{where} is not valid Unicode") from None
    return text


def _cell(record: Mapping[str, object], column: str, path: Path, line: int) -> str:
    where = f"{place(path, line)}, column '{column}'"
    return usable(as_text(record[column], where), where)


def _json_records(path: Path) -> Iterator[Record]:
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{place(path, number)} is not JSON: {error}") from None
        if not isinstance(record, dict):
            raise UserError(
                f"{place(path, number)} is no JSON object: each line needs one, such as "
                '{"source": "...", "target": "..."}'
            )
        yield number, record


def _csv_records(path: Path, delimiter: str) -> Iterator[Record]:
    (first, header), *rows = _csv_rows(path, delimiter)
    for name in header:
        if name and header.count(name) > 1:
            raise UserError(f"{place(path, first)}: two columns are named '{name}'")
    for line, fields in rows:
        if len(fields) != len(header):
            raise UserError(
                f"{place(path, line)} has {len(fields)} fields, and the header {len(header)}: "
                f"a field with a {'tab' if delimiter == chr(9) else 'comma'} in it must be quoted"
            )
        yield line, dict(zip(header, fields, strict=True))


def _csv_rows(path: Path, delimiter: str) -> list[tuple[int, list[str]]]:
    """The fields of each row, and the line of the file that it begins on."""
    text = read_text(path)
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
