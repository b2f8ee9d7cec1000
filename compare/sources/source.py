"""Where a text comes from: a file, a string, or what every CPython carries."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from unicodedata import is_normalized

from compare.errors import UserError, did_you_mean
from compare.sources.files import map_chunks, map_file
from compare.text.words import Normalise, is_mark, normalised

BLOCK = 1 << 18  # bytes of a text that are looked at at a time
VALIDATION_SHARE = 10  # one part in ten
BORDER_WINDOW = 1 << 20  # bytes in which the border between the splits looks for a line end

_BOM = b"\xef\xbb\xbf"
_LINE_END = b"\n"


class Source:
    """A named UTF-8 text of any size, given out in blocks; files, compressed ones too, are
    memory-mapped."""

    def __init__(self, name: str, content: bytes | memoryview) -> None:
        self.name = name
        self._content = memoryview(content)

    def sha256(self) -> str:
        """Of its bytes, as hexadecimal digits."""
        return hashlib.sha256(self._content).hexdigest()

    def check(self) -> None:
        """Raise UserError, with the line, for what is not text: no UTF-8, NUL, or nothing."""
        line, blank = 1, True
        for block in self._raw(BLOCK):
            if (nul := block.find(b"\0")) >= 0:
                place = self._place(line, block[:nul])
                raise UserError(
                    f"{place}: a NUL byte; is it UTF-16 (convert it, such as with "
                    "'iconv -f utf-16 -t utf-8'), or not text at all?"
                )
            try:
                text = block.decode()
            except UnicodeDecodeError as error:
                place = self._place(line, block[: error.start])
                raise UserError(
                    f"{place}: not UTF-8 ({error.reason}); unpack it if it is compressed, or "
                    "convert it, such as with 'iconv -f latin1 -t utf-8'"
                ) from None
            line += block.count(_LINE_END)
            blank = blank and not text.strip()
        if blank:
            raise UserError(f"data '{self.name}' is empty: it needs some text")

    def normalised(self, form: Normalise) -> "Source":
        """The same text in a form of Unicode; its bytes stay mapped where they are in it."""
        if form == "none" or all(is_normalized("NFC", block) for block in self.blocks()):
            return self
        # No character is composed across a block's border: see `_cut`.
        composed = (normalised(block, form).encode() for block in self.blocks())
        return Source(self.name, map_chunks(composed, self.name))

    def blocks(self, size: int = BLOCK) -> Iterator[str]:
        """The text in order, in pieces of at most `size` (at least 4) bytes.

        A cut is made just before white space, so that no word is in two blocks, or where a
        block has none, between any two characters, but not before a mark.
        """
        return (block.decode() for block in self._raw(size))

    def split(self) -> tuple["Source", "Source"]:
        """All but about the last tenth of the bytes, and that tenth.

        It begins after the first line end from there on, or if none comes within
        `BORDER_WINDOW` bytes, or nothing after it, at the next character.
        """
        border = len(self._content) - len(self._content) // VALIDATION_SHARE
        tail = bytes(self._content[border : border + BORDER_WINDOW])
        line_end = tail.rstrip().find(_LINE_END)
        if line_end >= 0:
            border += line_end + 1
        else:
            border += next((i for i, byte in enumerate(tail) if not _continues(byte)), 0)
        parts = self._content[:border], self._content[border:]
        return Source(self.name, parts[0]), Source(self.name, parts[1])

    def _place(self, line: int, before: bytes) -> str:
        return f"data '{self.name}', line {line + before.count(_LINE_END)}"

    def _raw(self, size: int) -> Iterator[bytes]:
        start = 0
        while start < len(self._content):
            block = bytes(self._content[start : start + size])
            if start + size < len(self._content):
                block = block[: _cut(block)]
            yield block
            start += len(block)


def open_source(data: str | Path) -> Source:
    """A UTF-8 file, or for `pydoc` Python's own language reference; not yet checked.

    A byte order mark is left out. Raises UserError for a file that cannot be read.
    """
    if data == "pydoc":
        return _pydoc()
    path, name = Path(data), str(data)
    try:
        content = map_file(path)
    except FileNotFoundError:
        raise UserError(f"data file '{name}' does not exist{_nearest(path)}") from None
    except IsADirectoryError:
        example = next(iter(sorted(path.glob("*.txt"))), path / "book.txt")
        raise UserError(f"data '{name}' is a folder: name a file, such as {example}") from None
    except OSError as error:
        raise UserError(f"data file '{name}' cannot be read: {error.strerror}") from None
    return Source(name, content[len(_BOM) :] if content[: len(_BOM)] == _BOM else content)


def text_source(name: str, text: str) -> Source:
    """A text that is in memory; raises UserError if it is not valid Unicode."""
    try:
        return Source(name, text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise UserError(f"data '{name}', line {line}: half a character, a lone surrogate") from None


def _pydoc() -> Source:
    from pydoc_data.topics import topics

    return text_source("pydoc", "\n".join(topics[name] for name in sorted(topics)))


def _nearest(path: Path) -> str:
    try:
        names = [each.name for each in path.parent.iterdir() if each.is_file()]
    except OSError:
        return f": there is no folder {path.parent}"
    question = did_you_mean(path.name, [*names, "pydoc"])
    return f": {question or f'nothing in {path.parent} is like it'}"


def _cut(block: bytes) -> int:
    """How many bytes of a block to take: see `Source.blocks`."""
    space = max(block.rfind(b" "), block.rfind(_LINE_END))
    if before := len(block[: space + 1].rstrip()):
        return before
    last = len(block) - 1
    while last > 0 and (_continues(block[last]) or _is_mark(block[last:])):
        last -= 1
    return last or _between_characters(block)


def _between_characters(block: bytes) -> int:
    last = len(block) - 1
    while last > 0 and last > len(block) - 4 and _continues(block[last]):
        last -= 1
    return last or len(block)


def _is_mark(following: bytes) -> bool:
    """Whether text begins with a mark; what is cut within its first character is taken for one."""
    character = following[:4].decode(errors="ignore")[:1]
    return not character or is_mark(character)


def _continues(byte: int) -> bool:
    """Whether a byte is one of a UTF-8 character that has begun before it."""
    return byte & 0xC0 == 0x80
