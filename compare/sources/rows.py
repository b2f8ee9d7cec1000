"""Examples that a user brings, each an input text and what is wanted for it.

read_rows("captions", "de", "en")           # captions.de and captions.en, line by line
read_rows("news.csv", "text", "summary")    # two columns of a table, see `tables.ENDINGS`
read_rows("hf:owner/name", "text", "title") # two columns of a Hugging Face dataset
read_labelled("reviews", None, None)        # reviews.pos, reviews.neg, or a folder of classes
"""

from collections.abc import Callable
from pathlib import Path

from compare.errors import UserError
from compare.sources import tables
from compare.sources.bad_rows import BadRows
from compare.sources.classes import read_classes
from compare.sources.files import COMPRESSED, require_files_of_texts, unpacked_name
from compare.sources.hub import read_hub
from compare.sources.lines import entries, is_folder, nearest, place, read_lines, usable

Row = tuple[str, str]
"""A text, and what is wanted for it: a translation, a summary, the name of its class."""

HUB = "hf:"


def read_rows(
    data: str,
    source: str | None,
    target: str | None,
    split: str | None = None,
    bad: BadRows | None = None,
) -> list[Row]:
    """Pairs of texts.

    `data` is the prefix (or one) of two parallel files, `source` and `target` being their endings,
    by default src and tgt; or a table (see `tables.read_table`), or `hf:NAME` (see `hub.read_hub`;
    its split is `split`, by default train), and then they are the names of two columns. Raises
    UserError, with file and line, for whatever cannot be used, but for rows that `bad` leaves out.
    """
    bad = bad or BadRows()
    require_files_of_texts(data)
    if has_columns(data):
        rows = _columns(data, source, target, split, bad)
    else:
        rows = _parallel(data, source or "src", target or "tgt", bad)
    bad.settle()
    return rows


def read_labelled(
    data: str,
    source: str | None,
    target: str | None,
    split: str | None = None,
    bad: BadRows | None = None,
) -> list[Row]:
    """Texts, and the names of their classes, two at least.

    `data` is files or folders that name their classes, see `classes.read_classes`, or has columns,
    as in `read_rows`. Raises UserError, with file and line, for whatever cannot be used.
    """
    bad = bad or BadRows()
    require_files_of_texts(data)
    if has_columns(data):
        rows = _columns(data, source, target, split, bad)
    else:
        for name, column in (("source", source), ("target", target)):
            if column is not None:
                raise UserError(
                    f"task.{name} names a column, '{column}', and '{data}' has none: its files or "
                    "folders name the classes"
                )
        rows = read_classes(data, split, bad)
    bad.settle()
    names = {name for _, name in rows}
    if len(names) == 1:
        raise UserError(
            f"only one class, '{names.pop()}', in '{data}': a classifier needs two or more"
        )
    return rows


def has_columns(data: str) -> bool:
    """Whether data is a table or a dataset, whose columns are to be named."""
    return data.startswith(HUB) or tables.is_table(data)


def _columns(
    data: str, source: str | None, target: str | None, split: str | None, bad: BadRows
) -> list[Row]:
    if source is not None:
        _refuse_same(source, target)
    if not data.startswith(HUB):
        return tables.read_table(Path(data), source, target, bad)
    if source is None or target is None:
        raise UserError(
            f"data '{data}' has columns: name two of them, with --set task.source=... and "
            "--set task.target=..."
        )
    split = split or "train"
    columns = [source, target]
    texts, wanted = read_hub(data.removeprefix(HUB), split, columns)

    def where(column: int, row: int) -> str:
        return f"data '{data}', row {row} of split '{split}', column '{columns[column]}'"

    return _pairs(texts, wanted, bad, where)


def _pairs(
    texts: list[str], wanted: list[str], bad: BadRows, where: Callable[[int, int], str]
) -> list[Row]:
    """Rows of two texts that are usable; `where` tells which of the two, in which row from 1."""
    rows = []
    for row, (text, other) in enumerate(zip(texts, wanted, strict=True), 1):
        with bad:
            rows.append((usable(text, where(0, row)), usable(other, where(1, row))))
    return rows


def _parallel(data: str, source: str, target: str, bad: BadRows) -> list[Row]:
    _refuse_same(source, target)
    endings = f".{source}", f".{target}"
    name = str(unpacked_name(Path(data)))
    prefix = next((name.removesuffix(end) for end in endings if name.endswith(end)), data)
    paths = [Path(prefix + end) for end in endings]
    siblings = entries(paths[0].parent)
    paths = [_packed(path, siblings) for path in paths]
    for path in paths:
        if path not in siblings:
            raise _no_such_file(data, Path(prefix), path, siblings)
    texts, wanted = (read_lines(path) for path in paths)
    if len(texts) != len(wanted):
        raise UserError(
            f"'{paths[0]}' has {len(texts):,} lines and '{paths[1]}' has {len(wanted):,}: "
            "each line needs its counterpart"
        )
    return _pairs(texts, wanted, bad, lambda column, row: place(paths[column], row))


def _packed(path: Path, siblings: list[Path]) -> Path:
    """The path, or where there is none but a compressed one, that."""
    packed = (path.with_name(path.name + ending) for ending in COMPRESSED)
    return path if path in siblings else next((each for each in packed if each in siblings), path)


def _no_such_file(data: str, prefix: Path, missing: Path, siblings: list[Path]) -> UserError:
    found = [each.name for each in siblings if each.name.startswith(f"{prefix.name}.")]
    if found:
        return UserError(
            f"data file '{missing}' does not exist; there is {', '.join(found[:6])}: name the two "
            "endings with --set task.source=... and --set task.target=..."
        )
    if is_folder(prefix):
        return UserError(f"data '{data}' is a folder: name two files in it by their prefix")
    return UserError(
        f"data '{data}' is neither the prefix of two files ('{missing}' does not exist), nor a "
        f"{', '.join(tables.ENDINGS)} file, nor hf:NAME{nearest(prefix, siblings)}"
    )


def _refuse_same(source: str, target: str | None) -> None:
    if source == target:
        raise UserError(f"task.source and task.target are both '{source}'")
