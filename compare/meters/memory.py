"""Host memory: of this process and of those that it started, and what there is, in bytes."""

import re
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import psutil

from compare.errors import UserError
from compare.meters.kernel import CGROUP, MEMBERSHIP, contents, control_groups
from compare.meters.processes import descendants, glance, has_children

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_LIMITS = ("memory.max", "memory.limit_in_bytes")  # of control groups, by their version
_LOOK_SECONDS = 0.1
_LOOK_SHARE = 200


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


class ChildrenPeak:
    """The most that all processes started by this one were seen to hold together since `start`:
    their children too, the sum of their proportional set sizes (see `held_bytes`).

    A sample, not a high-water mark: a thread looks every 0.1 s between `start` and `stop`, and they
    look once each, so what was held for less may be missed, and so is a process whose parent has
    ended. Memory that a child got by fork and neither side has written since is in this
    process's own resident set and, by its share, in the child's.

    Without children a look is one system call, and the thread's wake-up costs more: measured on two
    CPUs, 0.1 ms together, 0.1% of one. With some, it lists them and reads what they hold, which
    takes the longer the more that is (2 to 6 ms for 200 MB): it then sleeps 200 times as long as
    that took of a CPU, and so uses 0.5% of one at most, and sees the less.
    """

    def start(self) -> None:
        self._peak, self._over = 0, Event()
        self._look()
        self._thread = Thread(target=self._watch, name="children's memory", daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Bytes; 0 if there were no children. To be called once for each `start`."""
        self._over.set()
        self._thread.join()
        self._look()
        return self._peak

    def _watch(self) -> None:
        pause = _LOOK_SECONDS
        while not self._over.wait(pause):
            began = time.thread_time()
            self._look()
            pause = max(_LOOK_SECONDS, _LOOK_SHARE * (time.thread_time() - began))

    def _look(self) -> None:
        if has_children():
            self._peak = max(self._peak, sum(map(held_bytes, descendants())))


def held_bytes(pid: int) -> int:
    """What one process holds: its proportional set size where the kernel has it, in which a page
    shared by n processes counts as 1/n (proc(5), smaps_rollup), else its resident set size. 0 if
    it has ended."""
    found = re.search(r"^Pss:\s+(\d+) kB$", glance(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def usable_bytes(root: Path = CGROUP) -> int:
    """Memory and swap space of this machine, or what the control group grants, if that is less."""
    there = int(psutil.virtual_memory().total + psutil.swap_memory().total)
    groups = control_groups(root, contents(MEMBERSHIP), "memory")
    files = (folder / name for folder in groups for name in _LIMITS)
    limits = [int(text) for text in map(contents, files) if text.strip().isdecimal()]
    return min([there, *limits])


def require_memory(needed: int, what: str, root: Path = CGROUP) -> None:
    """Raise UserError where `what`, in the plural, takes more bytes than there are at all."""
    there = usable_bytes(root)
    if needed > there:
        raise UserError(
            f"{what} take {needed / 1e9:,.1f} GB of memory, and there are {there / 1e9:,.1f} GB"
        )
