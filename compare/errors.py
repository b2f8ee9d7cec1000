"""Errors that a user can cause, each told in one line."""

import errno
import os
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says of a full disk, a quota, a limit of a file's size."""

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


class UserError(Exception):
    """Bad input: the command line prints the message alone and exits with 2."""


def cannot_write(path: object, error: OSError) -> UserError:
    """The error for a file that the system does not let us write, such as on a full disk."""
    named = f" '{path}'" if path else ""
    more = ""
    if error.errno in NO_ROOM:
        more = ": what is there stays readable, and `compare resume` goes on once there is room"
    elif error.errno in _GONE:
        more = ": was its folder moved or taken away?"
    return UserError(f"cannot write{named}: {error.strerror}{more}")


@contextmanager
def writing(path: object) -> Iterator[None]:
    """What the system says of a file that is written meanwhile, with its path: of one that is open
    it does not tell it."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from None


def of_system(error: OSError) -> UserError:
    """The error for what the system says of a file that nobody had expected; raises it again where
    it is of no file."""
    if error.errno in NO_ROOM:
        return cannot_write(error.filename, error)
    if not isinstance(error.filename, str | bytes):
        raise error
    return UserError(f"'{os.fsdecode(error.filename)}' cannot be used: {error.strerror}")


def shown(name: str) -> str:
    """A file's name as it can be written anywhere: bytes that are no UTF-8 as \\xe9."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The question that ends an error: which of the known names come nearest; empty if none do."""
    near = get_close_matches(given, sorted(known), n=3)
    return f"did you mean {' or '.join(near)}?" if near else ""


def unknown(what: str, given: str, known: Iterable[str], where: str = "") -> UserError:
    """The error for a misspelt name: says which names come nearest, or which there are."""
    names = sorted(known)
    near = get_close_matches(given, names, n=3, cutoff=0.5)
    if near:
        remedy = f"did you mean {' or '.join(near)}?"
    elif names:
        remedy = f"there is {', '.join(names)}"
    else:
        remedy = "there is none"
    place = f" in {where}" if where else ""
    return UserError(f"unknown {what} '{given}'{place}: {remedy}")


def one_line(error: BaseException) -> str:
    """Type, message and the innermost place outside installed libraries."""
    text = str(error).strip().splitlines()
    message = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    return f"{message} ({place_of_error(error)})"


def place_of_error(error: BaseException) -> str:
    """The innermost file:line outside installed libraries and Python itself."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own_code(frame.filename)]
    place = (own or frames)[-1]
    return f"{place.filename}:{place.lineno}"


def is_own_code(filename: str) -> bool:
    """Whether a file is an adapter's or ours, not an installed library's or Python's own."""
    return not any(part in filename for part in ("site-packages", "/lib/python", "<frozen"))
