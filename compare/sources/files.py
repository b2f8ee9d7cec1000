"""Files as they are stored: compressed ones are read like what is in them."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

from compare.errors import UserError

_OPENED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}
COMPRESSED = tuple(_OPENED)


def unpacked_name(path: Path) -> Path:
    """The name without the ending of its compression: `news.csv.gz` is a .csv file."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED else path


def read_file(path: Path) -> bytes:
    """The bytes of a file, unpacked; raises OSError where it cannot be read, and UserError for one
    that is not what its ending says."""
    unpack = _OPENED.get(path.suffix.lower())
    content = path.read_bytes()
    if unpack is None:
        return content
    try:
        return unpack(content)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        told = " ".join(str(error).split())
        raise UserError(f"data '{path}' cannot be unpacked: {told}") from None
