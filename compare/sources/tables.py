"""Tables with named columns: CSV, TSV, JSON Lines, JSON arrays of objects, Parquet and Arrow."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from compare.errors import UserError, unknown
from compare.sources import columnar
from compare.sources.bad_rows import BadRow, BadRows
from compare.sources.files import unpacked_name
from compare.sources.lines import each_line, place, read_text, usable

DELIMITERS = {".csv": ",", ".tsv": "\t"}
_OTHER_SEPARATORS = (";", "\t")
JSON_LINES = (".jsonl", ".ndjson")
JSON = ".json"
ENDINGS = (*DELIMITERS, *JSON_LINES, JSON, *columnar.ENDINGS)

_OF_ONE_KIND = (*DELIMITERS, *columnar.ENDINGS)  # all rows have the same columns

_WHOLLY_QUOTED = re.compile(r'"([^"]|"")*"')

Record = tuple[str, Mapping[str, object]]  # where it is, and its values by column
Line = tuple[int, list[str]]  # where a row begins, and its fields


def read_table(
    path: Path, source: str | None, target: str | None, bad: BadRows
) -> list[tuple[str, str]]:
    """Two columns of a table, row by row; the ending of its name says of which kind it is.

    Empty lines are skipped. Numbers become text; `translation.de` names a column within a column.
    Raises UserError, with the line, for whatever keeps the file from being such a table, and for
    columns that it does not have or that are not named; rows of which a cell is empty or no text
    are `bad`.
    """
    rows = []
    for where, cells in _cells(path, (source, target), bad):
        with bad:
            text, wanted = (usable(cell, f"{where}, column '{name}'") for name, cell in cells)
            rows.append((text, wanted))
    return rows


def read_column(path: Path, column: str, bad: BadRows) -> Iterator[str]:
    """One column, as `read_table` reads two, but empty and long texts are texts too."""
    return (text for _, ((_, text),) in _cells(path, (column,), bad))


def _cells(
    path: Path, columns: Sequence[str | None], bad: BadRows
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Where each row is, and the named columns with their text in it."""
    named = [column for column in columns if column is not None]
    any_found = False
    for where, record in _records(path, named, bad):
        if len(named) < len(columns):
            raise UserError(
                f"data '{path}' has columns {', '.join(record)}: name two of them, with "
                "--set task.source=... and --set task.target=..."
            )
        found = None
        with bad:
            found = [(column, _cell(record, column, where, path)) for column in named]
        if found is not None:
            any_found = True
            yield where, found
    if not any_found:
        raise bad.of_all(path)


def is_table(name: str) -> bool:
    """Whether a file of this name has named columns."""
    return _ending(Path(name)) in ENDINGS


def _records(path: Path, columns: Sequence[str], bad: BadRows) -> Iterator[Record]:
    ending = _ending(path)
    if ending in columnar.ENDINGS:
        rows = enumerate(columnar.read_records(path, columns), 1)
        return ((f"data '{path}', row {number}", row) for number, row in rows)
    if ending in DELIMITERS:
        return _csv_records(path, DELIMITERS[ending], bad)
    # Files of JSON Lines are often named like JSON; an array begins with its bracket.
    first = (line for line in each_line(path) if line.strip())
    if ending == JSON and next(first, "").lstrip().startswith("["):
        return _json_array(path, bad)
    return _json_records(path, bad)


def _ending(path: Path) -> str:
    return unpacked_name(path).suffix.lower()


def as_text(value: object, where: str) -> str:
    """What a cell says: text, a number as text, nothing for null and for no number (NaN, as
    columns of numbers have for what is missing); raises BadRow for the rest."""
    if value is None or value != value:
        return ""
    if not isinstance(value, str | int | float | Decimal):
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
    """What a column says; raises UserError where the table has none of the name, and BadRow where
    this object of JSON alone may have none."""
    value: object = record
    for part in (column,) if column in record else column.split("."):
        if not isinstance(value, Mapping) or part not in value:
            if _ending(path) in _OF_ONE_KIND:
                raise unknown("column", column, _names(record), f"'{path}'")
            raise BadRow("wrong columns", str(unknown("column", column, _names(record), where)))
        value = value[part]
    return as_text(value, f"{where}, column '{column}'")


def _names(record: Mapping[str, object]) -> Iterator[str]:
    """Of all columns, those within columns with dots."""
    for name, value in record.items():
        inner = value if isinstance(value, Mapping) else {}
        yield from (f"{name}.{each}" for each in _names(inner)) if inner else (name,)


def _json_array(path: Path, bad: BadRows) -> Iterator[Record]:
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"data '{path}' is not JSON: {error}") from None
    for number, record in enumerate(found, 1):
        where = f"data '{path}', item {number}"
        with bad:
            if not isinstance(record, dict):
                raise BadRow("no JSON", f"{where} is no JSON object: an array of them is a table")
        if isinstance(record, dict):
            yield where, record


def _json_records(path: Path, bad: BadRows) -> Iterator[Record]:
    for number, line in enumerate(each_line(path), 1):
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
        raise BadRow(
            "no JSON", f"{where} is not JSON: {error}: each line needs an object"
        ) from None
    if not isinstance(record, dict):
        raise BadRow(
            "no JSON",
            f"{where} is no JSON object: each line needs one, such as "
            '{"source": "...", "target": "..."}',
        )
    return record


def _csv_records(path: Path, delimiter: str, bad: BadRows) -> Iterator[Record]:
    (first, header), *rows = csv_rows(path, delimiter)
    header = [name.strip() for name in header]
    for name in header:
        if name and header.count(name) > 1:
            raise UserError(f"{place(path, first)}: two columns are named '{name}'")
    for line, fields in rows:
        with bad:
            if len(fields) != len(header):
                raise BadRow(
                    "wrong columns",
                    f"{place(path, line)} has {len(fields)} fields, and the header {len(header)}: "
                    "a field with a separator in it must be quoted",
                )
        if len(fields) == len(header):
            yield place(path, line), dict(zip(header, fields, strict=True))


def csv_rows(path: Path, delimiter: str) -> list[Line]:
    """The fields of each row, the header's too, and the line of the file that it begins on; raises
    UserError for what cannot be read so."""
    text = read_text(path)
    if delimiter != "\t":
        return _quoted_rows(text, _separator(text, delimiter), path)
    lines = enumerate(text.removesuffix("\n").split("\n"), 1)
    plain = [(n, line.removesuffix("\r").split("\t")) for n, line in lines if line.strip()]
    return _as_spreadsheets_write(text, plain, path) or plain


def _separator(text: str, usual: str) -> str:
    """What stands between the fields of a CSV file, by its header: where a comma is a decimal mark,
    spreadsheets write semicolons."""
    header = text.partition("\n")[0]
    others = (other for other in _OTHER_SEPARATORS if usual not in header and other in header)
    return next(others, usual)


def _as_spreadsheets_write(text: str, plain: Sequence[Line], path: Path) -> list[Line] | None:
    """The rows of a TSV in which marks around a field quote it; None where they are marks, as in
    many sets, which have no quoting.

    Quoting it is if the header is quoted, if more rows become whole by it, or if each field that
    begins with a mark is quoted and marks are doubled in some.
    """
    if all(map(_WHOLLY_QUOTED.fullmatch, plain[0][1])):
        return _quoted_rows(text, "\t", path)
    begun = [field for _, fields in plain for field in fields if field.startswith('"')]
    misfits = _misfits(plain)
    doubled = any('""' in field[1:-1] for field in begun)
    if not begun or not (misfits or (doubled and all(map(_WHOLLY_QUOTED.fullmatch, begun)))):
        return None
    try:
        quoted = _quoted_rows(text, "\t", path)
    except UserError:
        return None
    return quoted if not misfits or _misfits(quoted) < misfits else None


def _misfits(rows: Sequence[Line]) -> int:
    """How many rows have not as many fields as the first one, the header."""
    return sum(len(fields) != len(rows[0][1]) for _, fields in rows)


def _quoted_rows(text: str, delimiter: str, path: Path) -> list[Line]:
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
