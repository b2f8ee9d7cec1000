"""Texts whose classes are named by the folders or files that they are in.

Only what looks like data is taken: nothing hidden, no copies that editors leave, no licences, and
no texts that are there without a class, as `unsup/` of the IMDB reviews.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from compare.errors import UserError, shown, unknown
from compare.sources.bad_rows import BadRows
from compare.sources.files import unpacked_name as _unpacked
from compare.sources.lines import each_line, entries, is_folder, nearest, place, read_text, usable

Row = tuple[str, str]
"""A text, and the name of its class."""

_NO_CLASS = ("unsup", "unlabeled", "unlabelled", "__macosx", "__pycache__", "lost+found")
_ABOUT = ("readme", "license", "licence", "copying", "notice", "authors", "changelog", "citation")
_NO_TEXT = (
    "", ".bak", ".orig", ".swp", ".tmp", ".old", ".md", ".rst", ".html", ".pdf", ".py", ".json",
    ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow", ".feather", ".zip", ".tar",
    ".npy", ".pkl", ".toml", ".yaml", ".yml", ".xml", ".log", ".feat", ".rej", ".db", ".ini",
    ".md5", ".sha1", ".sha256", ".sig", ".asc", ".bin", ".idx", ".doc", ".docx", ".png", ".jpg",
)  # fmt: skip
_SHOWN = 8  # names of files
_TRAIN, _OTHERS = "train", ("test", "valid", "validation", "val", "dev")


def has_splits(data: str) -> bool:
    """Whether a folder holds train/ and another split, each of them with classes."""
    path = Path(data)
    return is_folder(path) and all(
        any(is_folder(path / name) for name in names) for names in ((_TRAIN,), _OTHERS)
    )


def read_classes(data: str, split: str | None, bad: BadRows) -> list[Row]:
    """Texts and their classes, in the order of the sorted names.

    `data` is a folder of folders named for their classes, each *.txt file in them being a text,
    or where each has a single one, each of its lines; or a folder with pos.txt and neg.txt, or
    with *.pos and *.neg, whose lines are texts; or the prefix of such files, `reviews` for
    reviews.pos and reviews.neg. `split` names the folder to read of one that `has_splits`.
    Raises UserError, with file and line, for whatever cannot be used.
    """
    found = find_classes(data, split)
    for name in dict.fromkeys(name for name, _ in found.files):
        if shown(name) != name:
            raise UserError(
                f"the class '{shown(name)}' in '{data}' has no name in UTF-8: rename it"
            )
    return _texts(found.files, bad) if found.whole else _lines(found.files, bad)


class Classes(NamedTuple):
    """The files of classes, each with its class; `whole` is whether each is one text, and not each
    of its lines."""

    files: list[tuple[str, Path]]
    whole: bool

    def told(self) -> str:
        """The names of the files, or how many each folder has."""
        if self.whole:
            counts = Counter(file.parent.name for _, file in self.files)
            return ", ".join(f"{shown(name)}/ {count:,} files" for name, count in counts.items())
        more = len(self.files) - _SHOWN
        names = [shown(file.name) for _, file in self.files[:_SHOWN]]
        return ", ".join([*names, *([f"and {more:,} more"] if more > 0 else [])])


def find_classes(data: str, split: str | None) -> Classes:
    """Which files `read_classes` reads; raises UserError where there are none."""
    path = Path(data)
    if not is_folder(path):
        return Classes(_with_prefix(data), whole=False)
    if split is not None:
        path = _split_of(path, split)
    visible = [each for each in entries(path) if _is_data(each)]
    if folders := [each for each in visible if is_folder(each)]:
        texts = {folder.name: _text_files(folder) for folder in folders}
        files = [(name, file) for name, some in texts.items() for file in some]
        return Classes(files, whole=any(len(some) > 1 for some in texts.values()))
    if named := [(_unpacked(each).stem, each) for each in visible if _is_text(each)]:
        return Classes(named, whole=False)
    found = sorted((_unpacked(each).suffix[1:], each) for each in visible if _names_a_class(each))
    if not found:
        raise UserError(
            f"folder '{path}' has no classes: it needs a folder for each, such as pos/ and neg/, "
            "or a file, such as pos.txt and neg.txt"
        )
    return Classes(found, whole=False)


def _split_of(path: Path, split: str) -> Path:
    folders = [each.name for each in entries(path) if is_folder(each) and _is_data(each)]
    if split not in folders:
        raise unknown("split", split, folders, where=f"'{path}'")
    return path / split


def _texts(files: list[tuple[str, Path]], bad: BadRows) -> list[Row]:
    rows = []
    for name, file in files:
        with bad:
            rows.append((usable(read_text(file).strip("\r\n"), f"data '{file}'"), name))
    return rows


def _lines(files: list[tuple[str, Path]], bad: BadRows) -> list[Row]:
    rows = []
    for name, path in files:
        for number, line in enumerate(each_line(path), 1):
            with bad:
                rows.append((usable(line, place(path, number)), name))
    return rows


def _text_files(folder: Path) -> list[Path]:
    visible = [each for each in entries(folder) if _is_data(each)]
    files = [each for each in visible if _is_text(each)]
    if not files:  # as in 20 Newsgroups, whose texts are numbers
        files = [each for each in visible if not _unpacked(each).suffix and not is_folder(each)]
    if not files:
        raise UserError(f"folder '{folder}' names a class, but has no .txt file")
    return files


def _with_prefix(data: str) -> list[tuple[str, Path]]:
    path = Path(data)
    siblings = entries(path.parent)
    prefix = _unpacked(path).stem if path in siblings else path.name
    found = [e for e in siblings if _unpacked(e).stem == prefix and _names_a_class(e)]
    if path in siblings:
        others = ", ".join(each.name for each in found)
        remedy = f": for {others} give '{path.parent / prefix}'" if len(found) > 1 else ""
        raise UserError(f"'{data}' is one file, which names one class at most{remedy}")
    if not found:
        raise UserError(
            f"data '{data}' is neither a folder of classes, nor the prefix of a file for each "
            f"('{data}.pos', '{data}.neg'), nor a table with columns, nor "
            f"hf:NAME{nearest(path, siblings)}"
        )
    return [(_unpacked(each).suffix[1:], each) for each in found]


def _names_a_class(path: Path) -> bool:
    return _is_data(path) and _unpacked(path).suffix.lower() not in _NO_TEXT and not is_folder(path)


def _is_text(path: Path) -> bool:
    return _unpacked(path).suffix.lower() == ".txt"


def _is_data(path: Path) -> bool:
    name = path.name.lower()
    left_behind = name.startswith((".", "#")) or name.endswith(("~", "#", ".bak", ".swp"))
    return not (left_behind or name in _NO_CLASS or name.split(".")[0] in _ABOUT)
