"""Which runs are being played just now."""

from collections.abc import Iterator
from pathlib import Path

from compare.records.run_folder import RECORDS
from compare.records.sweep_folder import is_sweep

_LOCKS = Path("/proc/locks")


def runs_of(folder: Path) -> Iterator[Path]:
    """The run folder itself, or those of a sweep's points that were begun."""
    if not is_sweep(folder):
        yield folder
        return
    for path in folder.iterdir():
        if not path.is_symlink() and (path / RECORDS).is_file():
            yield path


def played_now() -> set[int]:
    """Inodes of all that a process holds a lock on, as a run's folder is while it is played.

    Read from the kernel's list, since to try the lock could keep a run from starting. Empty
    where the system has no such list.
    """
    try:
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return set()
    locks = [line.split() for line in lines if " FLOCK " in line]
    return {int(part.rsplit(":", 1)[1]) for lock in locks for part in lock if part.count(":") == 2}


def is_played(runs: list[Path], played: set[int]) -> bool:
    return bool(played) and any(run.stat().st_ino in played for run in runs)
