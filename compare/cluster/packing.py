"""A run folder as bytes, to be sent from machine to machine."""

import io
import tarfile
import tempfile
from pathlib import Path

from compare.records.run_folder import RECORDS


def packed(folder: Path) -> bytes:
    """All of a run folder as a compressed tar; empty where no run was begun in it."""
    if not (folder / RECORDS).is_file():
        return b""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    return buffer.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Put what was packed into a folder that has an earlier state of it, or nothing. Records come
    last, and whole: whoever looks meanwhile sees the earlier state."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as part:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            archive.extractall(part, filter="data")  # nothing outside, no links out, no devices
        files = [path for path in Path(part).rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: path.name == RECORDS):
            at = folder / path.relative_to(part)
            at.parent.mkdir(parents=True, exist_ok=True)
            path.replace(at)
