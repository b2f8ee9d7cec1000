"""Other processes: those that this one started, and those that use the machine beside it."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

BUSY_CPUS = 0.05
"""A process is busy that uses more than this much of a CPU."""

_CHILDREN = Path("/proc/thread-self/children")
_READ_BYTES = 65536
_WORKER = re.compile(r"compare(\.\w+)*\.worker")


class ProcessLoad(NamedTuple):
    """`cpus`: how many CPUs it used on average, above 1 with several threads. `is_worker`: it
    plays a cell of a `compare` run. Of its command line nothing else is kept: a command line
    may hold passwords."""

    pid: int
    name: str
    cpus: float
    is_worker: bool


def busy_processes(seconds: float = 0.5) -> list[ProcessLoad]:
    """The processes that used more than 5% of a CPU while this function slept for so long, the
    busiest first; this one and those that it started are left out.

    Pitfalls: what started or ended meanwhile is missed, and so is what another user runs where
    the system hides it, or what runs outside this container; `Contention` counts all of them.
    """
    own = {os.getpid(), *descendants()}
    before, began = _cpu_seconds_by_process(), time.perf_counter()
    time.sleep(seconds)
    after, slept = _cpu_seconds_by_process(), time.perf_counter() - began
    found = list[ProcessLoad]()
    for process in after.keys() & before.keys():
        cpus = (after[process] - before[process]) / slept
        if cpus > BUSY_CPUS and process.pid not in own:
            with suppress(psutil.Error):  # it ended
                found.append(_described(process, cpus))
    return sorted(found, key=lambda one: -one.cpus)


def glance(path: str) -> str:
    """Text of one of the kernel's small files; empty where there is none, or none for this user.
    In a third of the time that `Path.read_text` takes, for files that are read by the hundred."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, _READ_BYTES).decode()
    except OSError:  # its process ended
        return ""
    finally:
        os.close(file)


def has_children() -> bool:
    """Whether this process has children, in one system call; True where that cannot be asked."""
    if not hasattr(os, "waitid"):  # macOS
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # takes no exit status away
    except ChildProcessError:
        return False
    return True


def descendants() -> list[int]:
    """Process ids of this process's children, their children, and so on.

    A process whose parent has ended belongs to another one, and is missed.
    """
    if not has_children():
        return []
    if not _CHILDREN.exists():
        return [child.pid for child in psutil.Process().children(recursive=True)]
    found = [os.getpid()]
    for pid in found:  # grows on the way
        found += _children(pid)
    return found[1:]


def _children(pid: int) -> list[int]:
    """From the kernel's own list, kept by the thread that started each: proc(5), `children`."""
    children = list[int]()
    with suppress(OSError):  # it ended
        for thread in os.scandir(f"/proc/{pid}/task"):
            children += map(int, glance(f"{thread.path}/children").split())
    return children


def _cpu_seconds_by_process() -> dict[psutil.Process, float]:
    used = dict[psutil.Process, float]()
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it ended, or the system does not tell
            times = process.cpu_times()
            used[process] = times.user + times.system
    return used


def _described(process: psutil.Process, cpus: float) -> ProcessLoad:
    name = "".join(filter(str.isprintable, process.name()))
    is_worker = False
    with suppress(psutil.Error):
        is_worker = any(_WORKER.fullmatch(part) for part in process.cmdline())
    return ProcessLoad(process.pid, name, cpus, is_worker)
