"""Which runs there are under a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from compare.records.run_folder import RECORDS
from compare.records.sweep_folder import MANIFEST


def run_folders(
    root: Path, into_sweeps: bool, unreadable: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Every folder under `root`, or `root` itself, that has the records of a run.

    Of a sweep either its points or, unless `into_sweeps`, the one folder of it all. Links to
    folders are not followed; `unreadable` is told of folders that cannot be listed.
    """
    for path, folders, files in os.walk(root, onerror=unreadable):
        is_sweep = MANIFEST in files and not into_sweeps
        if RECORDS in files or is_sweep:
            folders.clear()
            yield Path(path)
        folders.sort()
