"""Parquet and Arrow files, row by row, through pyarrow."""

import io
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from compare.errors import UserError
from compare.extras import needed
from compare.sources.files import open_file, unpacked_name
from compare.sources.lines import opened

_PARQUET = ".parquet"
ENDINGS = (_PARQUET, ".arrow", ".feather")


def read_records(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Each row as its values by column: of the `columns`, which may be within columns
    (`translation.de`), or where there is not each of them, of all.

    Raises UserError where pyarrow is missing, and for what is no such file or cannot be opened.
    """
    pyarrow = needed("pyarrow", "parquet")
    with opened(path, open_file) as file:
        packed = unpacked_name(path) != path
        content = io.BytesIO(file.read()) if packed else file
        is_parquet = unpacked_name(path).suffix.lower() == _PARQUET
        try:
            for batch in (_of_parquet if is_parquet else _of_arrow)(content, columns):
                yield from batch.to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            told = " ".join(str(error).split())
            kind = "Parquet" if is_parquet else "Arrow"
            raise UserError(f"data '{path}' cannot be read as {kind}: {told}") from None


def _of_parquet(content: BinaryIO, columns: Sequence[str]) -> Iterator[Any]:
    file = needed("pyarrow.parquet", "parquet").ParquetFile(content)
    yield from file.iter_batches(columns=_holding(columns, file.schema_arrow.names))


def _of_arrow(content: BinaryIO, columns: Sequence[str]) -> Iterator[Any]:
    """Of a file, or of what was written as a stream, as data sets are in their caches."""
    ipc, invalid = needed("pyarrow.ipc", "parquet"), needed("pyarrow", "parquet").ArrowInvalid
    try:
        file = ipc.open_file(content)
        batches = (file.get_batch(index) for index in range(file.num_record_batches))
    except invalid:
        content.seek(0)
        file = batches = ipc.open_stream(content)
    names = _holding(columns, file.schema.names)
    yield from (batch.select(names) if names else batch for batch in batches)


def _holding(columns: Sequence[str], names: Sequence[str]) -> list[str] | None:
    """The names that these columns are or are within; None, for all, where one is in none."""
    found = [[n for n in names if column == n or column.startswith(f"{n}.")] for column in columns]
    return list(dict.fromkeys(chain(*found))) if found and all(found) else None
