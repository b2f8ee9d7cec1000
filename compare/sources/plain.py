"""Texts to model: plain ones, and columns of tables and datasets."""

from collections.abc import Iterable
from pathlib import Path

from compare.errors import UserError
from compare.sources.bad_rows import BadRows
from compare.sources.files import map_chunks, require_files_of_texts
from compare.sources.hub import read_hub
from compare.sources.source import Source, open_source
from compare.sources.tables import is_table, read_column


def open_texts(
    data: str, validation: str | None, split: str, column: str, bad: BadRows
) -> tuple[Source, Source | None]:
    """The text to train on and the one to validate on, None for the first one's last tenth.

    Either is a text; a table or a dataset (`hf:...`), whose `column` is the text, a row for a line,
    of any length and maybe empty; and of a dataset the two are splits. Raises UserError for what
    cannot be read, and for a split or a column that there is none of.
    """
    dataset = data.startswith("hf:")
    if not dataset and split != "train":
        raise UserError(f"task.split is of a dataset, and '{data}' has no splits")
    if not dataset and not is_table(data) and column != "text":
        raise UserError(f"task.column is of a table or a dataset, and '{data}' is a text")

    def opened(name: str) -> Source:
        if dataset:
            (rows,) = read_hub(data.removeprefix("hf:"), name, [column])
            return _lines(f"{data} ({name})", rows)
        require_files_of_texts(name)
        if is_table(name):
            text = _lines(name, read_column(Path(name), column, bad))
            bad.settle()
            return text
        return open_source(name)

    train = opened(split if dataset else data)
    return train, opened(validation) if validation else None


def _lines(name: str, rows: Iterable[str]) -> Source:
    """A row for a line; one that ends its line already, as those of WikiText do, gets no other."""
    lines = (row if row.endswith("\n") else f"{row}\n" for row in rows)
    return Source(name, map_chunks((line.encode() for line in lines), name))
