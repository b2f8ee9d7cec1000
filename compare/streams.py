"""The standard streams, wherever they lead: closed, of any encoding, or read in part only."""

import codecs
import io
import os
import sys
from typing import Any, TextIO

from compare.errors import UserError

_ERRORS = "compare.ascii"
_PLAIN = {
    "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "=",
    "\N{MULTIPLICATION SIGN}": "x", "\N{HORIZONTAL ELLIPSIS}": "...",
}  # fmt: skip
_SPINNER = range(0x2800, 0x2900)  # patterns of Braille


def prepare() -> None:
    """Let what is printed go wherever the streams lead.

    A stream that is closed leads nowhere; else the next file would take its number, and what a
    library prints would end in a run's records. What an encoding cannot write stands there in
    ASCII. Once nobody reads any more, as behind `head`, the rest is let go; where standard output
    cannot be written for another reason, UserError is raised, once.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this
            os.set_inheritable(number, True)
    codecs.register_error(_ERRORS, _in_ascii)
    sys.stdout = _stream(1, sys.stdout)
    sys.stderr = _stream(2, sys.stderr)


def _stream(number: int, was: TextIO | None) -> TextIO:
    raw = _Forgiving(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=was.encoding if was else "utf-8",
        errors=_ERRORS,
        line_buffering=number == 2 or raw.isatty(),
    )


class _Forgiving(io.FileIO):
    """A stream's descriptor, of which nobody is told twice that it cannot be written to."""

    _told = False

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)
        except OSError as error:
            if self._told or self.fileno() == 2:  # where else should that be told?
                return len(data)
            self._told = True
            raise UserError(f"cannot write to standard output: {error.strerror}") from None


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an encoding does not have; within JSON still the same."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    if found := _PLAIN.get(character):
        return found
    if ord(character) in _SPINNER:
        return "*"
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
