"""Examples that a user brings, each an input text and what is wanted for it.

read_rows("captions", "de", "en")           # captions.de and captions.en, line by line
read_rows("news.csv", "text", "summary")    # two columns of a .csv, .tsv or .jsonl file
read_rows("hf:owner/name", "text", "title") # two columns of a Hugging Face dataset
read_labelled("reviews", None, None)        # reviews.pos, reviews.neg, or a folder of classes
"""

from pathlib import Path

from compare.errors import UserError

from . import tables
from .hub import read_hub
from .lines import entries, is_folder, nearest, place, read_lines, usable

Row = tuple[str, str]
"""A text, and what is wanted for it: a translation, a summary, the name of its class."""

HUB = "hf:"


def read_rows(
    data: str, source: str | None, target: str | None, split: str | None = None
) -> list[Row]:
    """Pairs of texts.

    `data` is the prefix (or one) of two parallel files, `source` and `target` being their endings,
    by default src and tgt; or a .csv, .tsv, .jsonl or .ndjson file, or `hf:NAME` (see
    `hub.read_hub`; its split is `split`, by default train), and then they are the names of two
    columns. Raises UserError, with file and line, for whatever cannot be used.
    """
    if _has_columns(data):
        return _columns(data, source, target, split)
    return _parallel(data, source or "src", target or "tgt")


def read_labelled(
    data: str, source: str | None, target: str | None, split: str | None = None
) -> list[Row]:
    """Texts, and the names of their classes, two at least.

    `data` is a folder of folders named for their classes, each line of whose *.txt files is a
    text; or a folder with pos.txt and neg.txt, or with *.pos and *.neg; or the prefix of such
    files, `reviews` for reviews.pos and reviews.neg (any names do; `source`, `target` and `split`
    have no say in these). Or it has columns, as in `read_rows`. Rows come in the order of the
    sorted names. Raises UserError, with file and line, for whatever cannot be used.
    """
    if _has_columns(data):
        rows = _columns(data, source, target, split)
        _refuse_one_class(data, {name for _, name in rows})
        return rows
    files = _class_files(data)
    _refuse_one_class(data, {name for name, _ in files})
    return [(text, name) for name, path in files for text in _texts(path)]


def _has_columns(data: str) -> bool:
    return data.startswith(HUB) or data.lower().endswith(tables.ENDINGS)


def _columns(data: str, source: str | None, target: str | None, split: str | None) -> list[Row]:
    if source is not None:
        _refuse_same(source, target)
    if not data.startswith(HUB):
        return tables.read_table(Path(data), source, target)
    if source is None or target is None:
        raise UserError(
            f"data '{data}' has columns: name two of them, with --set task.source=... and "
            "--set task.target=..."
        )
    split = split or "train"
    columns = [source, target]
    texts, wanted = read_hub(data.removeprefix(HUB), split, columns)
    for column, values in zip(columns, (texts, wanted), strict=True):
        for number, value in enumerate(values, 1):
            usable(value, f"data '{data}', row {number} of split '{split}', column '{column}'")
    return list(zip(texts, wanted, strict=True))


def _parallel(data: str, source: str, target: str) -> list[Row]:
    _refuse_same(source, target)
    endings = f".{source}", f".{target}"
    prefix = next((data.removesuffix(end) for end in endings if data.endswith(end)), data)
    paths = [Path(prefix + end) for end in endings]
    siblings = entries(paths[0].parent)
    for path in paths:
        if path not in siblings:
            raise _no_such_file(data, Path(prefix), path, siblings)
    texts, wanted = (_texts(path) for path in paths)
    if len(texts) != len(wanted):
        raise UserError(
            f"'{paths[0]}' has {len(texts):,} lines and '{paths[1]}' has {len(wanted):,}: "
            "each line needs its counterpart"
        )
    return list(zip(texts, wanted, strict=True))


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


def _texts(path: Path) -> list[str]:
    return [usable(line, place(path, number)) for number, line in enumerate(read_lines(path), 1)]


def _refuse_one_class(data: str, names: set[str]) -> None:
    if len(names) == 1:
        raise UserError(
            f"only one class, '{names.pop()}', in '{data}': a classifier needs two or more"
        )


def _class_files(data: str) -> list[tuple[str, Path]]:
    """The name of each class and a file of its texts, sorted."""
    path = Path(data)
    if not is_folder(path):
        return _with_prefix(data)
    visible = [each for each in entries(path) if not each.name.startswith((".", "README"))]
    folders = [each for each in visible if is_folder(each)]
    if folders:
        return [(folder.name, file) for folder in folders for file in _text_files(folder)]
    if any(each.suffix == ".txt" for each in visible):
        return [(each.stem, each) for each in visible if each.suffix == ".txt"]
    found = sorted((each.suffix[1:], each) for each in visible if _names_a_class(each))
    if not found:
        raise UserError(
            f"folder '{data}' has no classes: it needs a folder for each, such as pos/ and neg/, "
            "or a file, such as pos.txt and neg.txt"
        )
    return found


def _text_files(folder: Path) -> list[Path]:
    files = [each for each in entries(folder) if each.suffix == ".txt"]
    if not files:
        raise UserError(f"folder '{folder}' names a class, but has no .txt file")
    return files


def _with_prefix(data: str) -> list[tuple[str, Path]]:
    path = Path(data)
    siblings = entries(path.parent)
    prefix = path.stem if path in siblings else path.name
    found = [each for each in siblings if each.stem == prefix and _names_a_class(each)]
    if not found:
        raise UserError(
            f"data '{data}' is neither a folder of classes, nor the prefix of a file for each "
            f"('{data}.pos', '{data}.neg'), nor a {', '.join(tables.ENDINGS)} file, nor "
            f"hf:NAME{nearest(path, siblings)}"
        )
    return [(each.suffix[1:], each) for each in found]


def _names_a_class(path: Path) -> bool:
    return path.suffix not in ("", *tables.ENDINGS) and not is_folder(path)
