"""Files as they are stored: compressed ones are read like what is in them, as a stream, and pipes
as often as files."""

import bz2
import gzip
import io
import lzma
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, cast

from compare.errors import NO_ROOM, UserError
from compare.extras import needed


def _zstd(file: BinaryIO) -> Any:
    return needed("pyarrow", "parquet").input_stream(file, compression="zstd")


_UNPACKED: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _zstd,
}
COMPRESSED = tuple(_UNPACKED)

_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar")
_SPREADSHEETS = (".xlsx", ".xls", ".ods")

_CHUNK = 1 << 20  # bytes

_pipes: dict[tuple[int, int], BinaryIO] = {}
"""What pipes gave, by device and inode: it can be read once, and is asked for by every pass and by
every point of a sweep."""


def unpacked_name(path: Path) -> Path:
    """The name without the ending of its compression: `news.csv.gz` is a .csv file."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED else path


def require_files_of_texts(data: str) -> None:
    """Raise UserError for a file that has others, or the sheets of a table program, in it."""
    path = Path(data)
    if not path.is_file():
        return
    kind = unpacked_name(path).suffix.lower()
    if kind in _ARCHIVES:
        raise UserError(f"data '{data}' is an archive: unpack it, and name what is in it")
    if kind in _SPREADSHEETS:
        raise UserError(f"data '{data}' is a spreadsheet: save it as CSV, in UTF-8")


def open_file(path: Path) -> BinaryIO:
    """A file's bytes, unpacked as they are read.

    Raises OSError where it cannot be opened; and UserError, on reading too, for a device, which may
    never end, and for what is not what its ending says.
    """
    if path.is_fifo():
        file = _again(path)
    elif path.exists() and not path.is_file() and not path.is_dir():
        raise UserError(f"data '{path}' is not a regular file")
    else:
        file = path.open("rb")
    unpack = _UNPACKED.get(path.suffix.lower())
    return (
        file if unpack is None else io.BufferedReader(_Unpacked(path, file, unpack(file)), _CHUNK)
    )


def read_file(path: Path) -> bytes:
    """All bytes of a file, see `open_file`."""
    with open_file(path) as file:
        return file.read()


def map_file(path: Path) -> memoryview:
    """The bytes of a file, unpacked, mapped into memory and not read into it: see `open_file`."""
    with open_file(path) as file:
        if unpacked_name(path) == path:
            return _mapped(file)
        return map_chunks(iter(lambda: file.read(_CHUNK), b""), path)


def map_chunks(chunks: Iterable[bytes], name: object) -> memoryview:
    """Bytes that come one after the other, mapped into memory from a file that has no name and is
    gone with this process."""
    with tempfile.TemporaryFile() as file:
        try:
            file.writelines(chunks)
            file.flush()
        except OSError as error:
            raise _no_room(error, name) from None
        return _mapped(file)


def _mapped(file: BinaryIO) -> memoryview:
    empty = os.fstat(file.fileno()).st_size == 0  # which cannot be mapped
    return memoryview(b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _again(path: Path) -> BinaryIO:
    """What a pipe gave, from its beginning."""
    status = path.stat()
    pipe = status.st_dev, status.st_ino
    if pipe not in _pipes:
        kept = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (for as long as we live)
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, kept)
            kept.flush()
        except OSError as error:
            raise _no_room(error, path) from None
        _pipes[pipe] = kept
    file = Path(f"/dev/fd/{_pipes[pipe].fileno()}").open("rb")  # noqa: SIM115 (the caller's)
    file.seek(0)
    return file


def _no_room(error: OSError, name: object) -> OSError | UserError:
    if error.errno not in NO_ROOM:
        return error
    folder = tempfile.gettempdir()
    return UserError(f"data '{name}': no room for it in '{folder}': TMPDIR names another folder")


class _Unpacked(io.RawIOBase):
    """What is in a compressed file, of which what is broken is told in a line."""

    def __init__(self, path: Path, file: BinaryIO, stream: Any) -> None:
        self._path, self._file, self._stream = path, file, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            found: bytes = self._stream.read(len(buffer))
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
            told = " ".join(str(error).split())
            raise UserError(f"data '{self._path}' cannot be unpacked: {told}") from None
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._stream.close()
        self._file.close()
        super().close()
