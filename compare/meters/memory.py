"""Host memory of this process, in bytes."""

from contextlib import suppress
from pathlib import Path

import psutil

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident_bytes() -> int:
    """Resident set size now: pages in RAM, shared libraries included."""
    return int(psutil.Process().memory_info().rss)


class HighWater:
    """Peak resident set since `reset`, from the kernel's own high-water mark (Linux).

    Writing 5 into /proc/self/clear_refs sets VmHWM back to the current size (proc(5)), so the
    peak is of the window and not of the import before it. `ru_maxrss` is never used: a child
    inherits it from its parent. Where the mark cannot be had, `peak` is the size at the time
    of asking, which misses what was freed in between; `exact` says which of the two it is.
    """

    def __init__(self) -> None:
        self.exact = _STATUS.exists()  # until the first reset, of the process since its start

    def reset(self) -> None:
        self.exact = False
        with suppress(OSError):
            _CLEAR.write_text("5")
            self.exact = True

    def peak(self) -> int:
        if self.exact:
            for line in _STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return resident_bytes()
