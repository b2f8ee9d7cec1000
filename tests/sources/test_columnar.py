"""Single files of Parquet and Arrow."""

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from compare.errors import UserError
from compare.sources.bad_rows import BadRows
from compare.sources.rows import read_labelled, read_rows

pyarrow = pytest.importorskip("pyarrow")

KINDS = ("rows.parquet", "rows.parquet.gz", "file.arrow", "stream.arrow", "rows.feather")


def write(folder: Path, name: str, **columns: list[Any]) -> str:
    """A file in the format that its name says, and its path."""
    import pyarrow.feather
    import pyarrow.parquet

    table, path = pyarrow.table(columns), folder / name
    match name:
        case "rows.parquet":
            pyarrow.parquet.write_table(table, path)
        case "rows.parquet.gz":
            whole = Path(write(folder, "rows.parquet", **columns))
            path.write_bytes(gzip.compress(whole.read_bytes()))
        case "rows.feather":
            pyarrow.feather.write_feather(table, str(path))
        case _:
            kind = name.partition(".")[0]
            opened = {"file": pyarrow.ipc.new_file, "stream": pyarrow.ipc.new_stream}[kind]
            with opened(str(path), table.schema) as writer:
                writer.write_table(table)
    return str(path)


@pytest.mark.parametrize("name", KINDS)
def test_columns_of_a_file_are_read_those_within_columns_too(tmp_path: Path, name: str) -> None:
    pairs = [{"de": "ja", "en": "yes"}, {"de": "nein", "en": "no"}]
    data = write(tmp_path, name, id=[1, 2], translation=pairs, **{"a.b": ["x", "y"]})
    assert read_rows(data, "translation.de", "translation.en") == [("ja", "yes"), ("nein", "no")]
    assert read_rows(data, "id", "a.b") == [("1", "x"), ("2", "y")]
    with pytest.raises(
        UserError, match=r"unknown column 'translation.fr' in '.*': did you mean tr"
    ):
        read_rows(data, "translation.de", "translation.fr")
    with pytest.raises(UserError, match=r"has columns id, translation, a\.b: name two of them"):
        read_rows(data, None, None)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_missing_is_no_text_and_no_class(tmp_path: Path, name: str) -> None:
    data = write(
        tmp_path, name, text=["a", None, "c", "d"], label=[1.0, 0.0, float("nan"), 0.0],
        price=[Decimal("1.50")] * 4, raw=[b"x"] * 4,
    )  # fmt: skip
    bad = BadRows(skip=True)
    assert read_labelled(data, "text", "label", bad=bad) == [("a", "1.0"), ("d", "0.0")]
    assert bad.told() == "empty 2"
    with pytest.raises(UserError, match=r"row 2, column 'text' is empty; .*row 3, column 'label'"):
        read_labelled(data, "text", "label")
    assert read_rows(data, "text", "price", bad=BadRows(skip=True))[0] == ("a", "1.50")
    with pytest.raises(UserError, match=r"row 1, column 'raw' is no text but a bytes"):
        read_rows(data, "raw", "label")


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.feather"])
def test_what_is_no_such_file_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"text\nand more text\n")
    with pytest.raises(UserError, match=rf"{name}' cannot be read as (Parquet|Arrow): ") as caught:
        read_rows(str(tmp_path / name), "a", "b")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"does not exist; did you mean"):
        read_rows(str(tmp_path / name.replace("rows", "row")), "a", "b")


def test_a_file_without_rows_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no row below its header"):
        read_rows(write(tmp_path, "rows.parquet", a=[], b=[]), "a", "b")
