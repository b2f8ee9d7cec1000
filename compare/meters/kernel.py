"""What the kernel tells in files, and what stands for what it does not tell."""

from contextlib import suppress
from pathlib import Path

UNAVAILABLE = "unavailable"
CPUS = Path("/sys/devices/system/cpu")


def contents(path: Path) -> str:
    """Text of one of the kernel's files; empty where there is none, or none for this user."""
    with suppress(OSError):
        return path.read_text()
    return ""
