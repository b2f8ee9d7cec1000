"""Which runs there are under a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from compare.records.run_folder import RECORDS
from compare.records.sweep_folder import MANIFEST


def run_folders(
    root: Path,
    into_sweeps: bool,
    unreadable: Callable[[OSError], None] | None = None,
    links: bool = True,
) -> Iterator[Path]:
    """Every folder under `root`, or `root` itself, that has the records of a run.

    Of a sweep either its points or, unless `into_sweeps`, the one folder of it all. With `links`
    such a folder may be a link to one elsewhere; links to other folders are never followed.
    `unreadable` is told of folders that cannot be listed.
    """
    above = root.resolve()
    for path, folders, files in os.walk(root, onerror=unreadable):
        is_sweep = MANIFEST in files and not into_sweeps
        if RECORDS in files or is_sweep:
            folders.clear()
            yield Path(path)
        folders.sort()
        for name in folders:
            folder = Path(path, name)
            if links and folder.is_symlink() and _leads_to_a_run(folder, above):
                yield from run_folders(folder, into_sweeps, unreadable)


def _leads_to_a_run(link: Path, above: Path) -> bool:
    """Or to a sweep; those under the folder itself are found where they are."""
    begun = (link / RECORDS).is_file() or (link / MANIFEST).is_file()
    return begun and not link.resolve().is_relative_to(above)
