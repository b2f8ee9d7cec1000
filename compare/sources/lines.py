"""Files of one text per line, checked before anything is made of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from compare.errors import UserError, did_you_mean
from compare.sources.bad_rows import BadRow
from compare.sources.files import open_file, read_file

Found = TypeVar("Found")

LONGEST_TEXT = 1_000_000  # bytes of a row's text: more is a broken file

_LINE_END = b"\n"


def each_line(path: Path) -> Iterator[str]:
    r"""The lines of a UTF-8 file one by one, without their ends (\n or \r\n); a byte order mark is
    dropped.

    Raises UserError for a file that cannot be read or is empty, and with the line for what is not
    UTF-8 and for a NUL byte.
    """
    blank = True
    with opened(path, open_file) as file:
        for number, line in enumerate(iter(file.readline, b""), 1):
            text = _decoded(line, path, number)
            blank = blank and not text.strip()
            # Not splitlines: it also splits where a text only has a form feed or a separator.
            yield text.removesuffix("\n").removesuffix("\r")
    if blank:
        raise _empty(path)


def read_lines(path: Path) -> list[str]:
    """All of them, see `each_line`."""
    return list(each_line(path))


def read_text(path: Path) -> str:
    """A whole UTF-8 file, its line ends as they are; raises UserError as `each_line` does."""
    text = _decoded(opened(path, read_file), path)
    if not text.strip():
        raise _empty(path)
    return text


def _decoded(content: bytes, path: Path, line: int = 1) -> str:
    """The text of some lines, of which the first is number `line`."""
    if (nul := content.find(b"\0")) >= 0:
        raise UserError(
            f"{place(path, line + content.count(_LINE_END, 0, nul))}: a NUL byte: this is no text,"
            " or UTF-16 (convert it, such as with 'iconv -f utf-16 -t utf-8')"
        )
    try:
        return content.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        number = line + error.object.count(_LINE_END, 0, error.start)
        raise UserError(
            f"{place(path, number)}: not UTF-8 (byte {byte:#04x}, {error.reason}): convert it, such"
            " as with 'iconv -f latin1 -t utf-8'"
        ) from None


def usable(text: str, where: str) -> str:
    """The text itself; raises BadRow if it is nothing but white space, or longer than
    LONGEST_TEXT."""
    if not text.strip():
        raise BadRow("empty", f"{where} is empty")
    if (size := len(text.encode())) > LONGEST_TEXT:
        raise BadRow("too long", f"{where} is {size:,} bytes long, more than {LONGEST_TEXT:,}")
    return text


def place(path: Path, line: int) -> str:
    """Where something is, as errors tell it."""
    return f"data '{path}', line {line}"


def entries(folder: Path) -> list[Path]:
    """What is in a folder, sorted; raises UserError if it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"there is no folder '{folder}'") from None
    except OSError as error:
        raise _unreadable(folder, error) from None


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; raises UserError where nobody may look."""
    try:
        return path.is_dir()
    except OSError as error:
        raise _unreadable(path, error) from None


def nearest(path: Path, siblings: list[Path]) -> str:
    """The end of an error about a file that is not there: which files or prefixes are like it."""
    names = {name for each in siblings for name in (each.name, each.stem)} - {path.name, path.stem}
    question = did_you_mean(path.name, names)
    return f"; {question}" if question else ""


def opened(path: Path, how: Callable[[Path], Found]) -> Found:
    """What opening a file or reading it gives; raises UserError where it cannot be."""
    if is_folder(path):
        raise UserError(f"data '{path}' is a folder, not a file")
    try:
        return how(path)
    except (FileNotFoundError, NotADirectoryError):
        near = nearest(path, entries(path.parent))
        raise UserError(f"data file '{path}' does not exist{near}") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _empty(path: Path) -> BadRow:
    """Where each file is a text, one of many that may be left out."""
    return BadRow("empty", f"data file '{path}' is empty")


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"data '{path}' cannot be read: {error.strerror}")
