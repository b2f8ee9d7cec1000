"""Whether a run can be written where it is to be, told before anything starts; and writing what is
made of it, whole or not at all."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from compare.errors import UserError

_DEEPER = 250  # bytes of a name: no file of a run lies further below the folder of results


def require_place(results: Path) -> Path:
    """The nearest folder that is there, in which `results` can be made if it is not there yet.

    Raises UserError, having made nothing, where no run could be written.
    """
    try:
        at = results.absolute()
    except FileNotFoundError:
        raise _refused(results, "the working folder is gone") from None
    parts, length = at.parts, len(os.fsencode(at))
    while not os.path.lexists(at):  # a name that is too long is not there either
        at = at.parent
    if at.is_symlink() and not at.exists():
        raise _refused(results, f"'{at}' is a link to '{at.readlink()}', which is not there")
    if not at.is_dir():
        raise _refused(results, f"'{at}' is no folder")
    longest, deepest = (os.pathconf(at, name) for name in ("PC_NAME_MAX", "PC_PATH_MAX"))
    if max(len(os.fsencode(part)) for part in parts) > longest or length + _DEEPER > deepest:
        raise _refused(results, os.strerror(errno.ENAMETOOLONG))
    if not os.access(at, os.W_OK | os.X_OK):
        read_only = os.statvfs(at).f_flag & os.ST_RDONLY
        raise _refused(results, os.strerror(errno.EROFS if read_only else errno.EACCES))
    return at


def require_room(results: Path, needed: int) -> None:
    """Raise UserError unless there is room for so many bytes where `results` are."""
    found = os.statvfs(require_place(results))
    free = found.f_bavail * found.f_frsize
    if found.f_blocks and free < needed:  # some file systems do not tell
        raise _refused(
            results, f"a run takes {needed / 1e6:,.1f} MB there, and {free / 1e6:,.1f} MB are free"
        )


def write_whole(path: Path, text: str) -> None:
    """Write a file that can be made again: on a full disk what stood there before stays. Raises
    UserError where it cannot be written."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        why = f"cannot write '{path}': {error.strerror}"
        raise UserError(f"{why}; the run is as it was, and this can be made again") from None


def _refused(results: Path, why: str) -> UserError:
    return UserError(f"cannot write to '{results}': {why}")
