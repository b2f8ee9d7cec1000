"""Files of one text per line, checked before anything is made of them."""

from pathlib import Path

from compare.errors import UserError, did_you_mean
from compare.sources.bad_rows import BadRow
from compare.sources.files import read_file

LONGEST_LINE = 1_000_000  # bytes of a line or a table's field: more is a broken file, not a text


def read_lines(path: Path) -> list[str]:
    r"""The lines of a UTF-8 file, without their ends (\n or \r\n); a byte order mark is dropped.

    Raises UserError for a file that cannot be read or is empty, and with the line for what is not
    UTF-8, for a NUL byte and for a line longer than LONGEST_LINE.
    """
    # Not splitlines: it also splits where a text only has a form feed or a Unicode separator.
    lines = read_text(path).removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        _refuse_long(line, place(path, number))
    return [line.removesuffix("\r") for line in lines]


def read_text(path: Path) -> str:
    """A whole UTF-8 file, its line ends as they are; raises UserError as `read_lines` does."""
    content = _read_bytes(path)
    if (nul := content.find(b"\0")) >= 0:
        raise UserError(
            f"{place(path, _line_of(content, nul))}: a NUL byte: this is no text, or UTF-16 "
            "(convert it, such as with 'iconv -f utf-16 -t utf-8')"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise UserError(
            f"{place(path, _line_of(error.object, error.start))}: not UTF-8 (byte {byte:#04x}, "
            f"{error.reason}): convert it, such as with 'iconv -f latin1 -t utf-8'"
        ) from None
    if not text.strip():
        raise UserError(f"data file '{path}' is empty")
    return text


def usable(text: str, where: str) -> str:
    """The text itself; raises BadRow if it is nothing but white space, or far too long."""
    if not text.strip():
        raise BadRow("empty", f"{where} is empty")
    _refuse_long(text, where)
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


def _read_bytes(path: Path) -> bytes:
    if is_folder(path):
        raise UserError(f"data '{path}' is a folder, not a file")
    try:
        if path.exists() and not path.is_file():  # reading a pipe or a device may never end
            raise UserError(f"data '{path}' is not a regular file")
        return read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        near = nearest(path, entries(path.parent))
        raise UserError(f"data file '{path}' does not exist{near}") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"data '{path}' cannot be read: {error.strerror}")


def _line_of(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _refuse_long(text: str, where: str) -> None:
    if (size := len(text.encode())) > LONGEST_LINE:
        raise BadRow("too long", f"{where} is {size:,} bytes long, more than {LONGEST_LINE:,}")
