"""Whose machine it was while a window was timed: what others took of the CPUs."""

import os
import resource
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from compare.meters.kernel import contents
from compare.meters.processes import descendants, glance
from compare.meters.threads import cpu_numbers

_STAT = Path("/proc/stat")
_PRESSURE = Path("/proc/pressure/cpu")
_THREADS = Path("/proc/self/task")
_CGROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


class WindowContention(NamedTuple):
    """What others took within one window; None where the system does not tell (macOS, sandboxes).

    `others_cpu_seconds`: what all CPUs in the affinity mask were busy, less the CPU time of this
    process and of those that it started. The conductor is in it: `cpus_of_others` takes it out.
    So are the kernel, and other containers, which no list of processes shows here; time that a
    hypervisor stole is not (see `WindowActivity.steal_seconds`). It errs by up to 10 ms, of a
    mask that leaves CPUs out by up to 10 ms for each CPU in it. A process whose parent has ended
    is taken for another's, and children that were never waited for are lost as they end.

    `pressure_seconds`: for how long at least one thread on the whole machine could have run and
    had no CPU ("some" in Linux, Documentation/accounting/psi). More threads of one's own than CPUs
    count too. `group_pressure_seconds`: the same for the threads of this process's control group.

    `queue_seconds`: how long this process's threads, added up, could have run and had no CPU
    (proc(5), schedstat). Threads that ended within the window are missed.
    """

    others_cpu_seconds: float | None
    pressure_seconds: float | None
    group_pressure_seconds: float | None
    queue_seconds: float | None


def cpus_of_others_now(threads: int, seconds: float = 0.5) -> float | None:
    """How much of the first `threads` CPUs of the mask, which workers keep to, all but this
    process and those that it started use while it sleeps for so long; None where nothing tells."""
    cpus = cpu_numbers()[:threads]
    own, before = tree_cpu_seconds(), cpu_times(contents(_STAT), cpus)
    began = time.perf_counter()
    time.sleep(seconds)
    slept, after = time.perf_counter() - began, cpu_times(contents(_STAT), cpus)
    busy = busy_seconds(before, after, slept)
    return None if busy is None else max(0.0, busy - (tree_cpu_seconds() - own)) / slept


class CpuTimes(NamedTuple):
    """Of some CPUs together, in seconds since boot."""

    cpus: int
    idle: float
    steal: float


class Contention:
    """`start` right before what is timed, `stop` right after it, in the process that does it.

    Beside a window, not within it: some file reads, and one for each thread. Measured on two CPUs:
    0.25 ms each with 2 threads, 1.1 ms with 100, twice that with a child. /proc/stat grows with
    the number of CPUs.
    """

    def __init__(self) -> None:
        self._group = _group_pressure(contents(Path("/proc/self/cgroup")))

    def start(self) -> None:
        self._queues = _queue_seconds()
        self._pressures = self._read_pressures()
        self._own = tree_cpu_seconds()
        self._times, self._began = self._read_times(), time.perf_counter()

    def stop(self) -> WindowContention:
        """What happened since `start`."""
        now, times = time.perf_counter(), self._read_times()
        own = tree_cpu_seconds() - self._own
        busy = busy_seconds(self._times, times, now - self._began)
        pressures = [
            None if before is None or after is None else after - before
            for before, after in zip(self._pressures, self._read_pressures(), strict=True)
        ]
        queues = _queue_seconds()
        waited = [after - self._queues.get(thread, 0.0) for thread, after in queues.items()]
        return WindowContention(
            others_cpu_seconds=None if busy is None else max(0.0, busy - own),
            pressure_seconds=pressures[0],
            group_pressure_seconds=pressures[1],
            queue_seconds=sum(waited) if queues else None,
        )

    def _read_times(self) -> CpuTimes | None:
        return cpu_times(contents(_STAT), cpu_numbers())

    def _read_pressures(self) -> list[float | None]:
        return [pressure_seconds(contents(path)) for path in (_PRESSURE, self._group)]


def cpus_of_others(
    others_cpu_seconds: float | None, conductor_cpu_seconds: float | None, seconds: float
) -> float | None:
    """How many CPUs all but a run's own processes used, on average over a window of so many
    `seconds`: neither the worker nor the conductor, which waits for it, is another.

    What the conductor used counts as used within the window, though it may have been before it
    or on a CPU outside the worker's mask; it is little.
    """
    if others_cpu_seconds is None:
        return None
    return max(0.0, others_cpu_seconds - (conductor_cpu_seconds or 0.0)) / seconds


def cpu_times(stat: str, cpus: Collection[int]) -> CpuTimes | None:
    """Of the CPUs of these numbers, from the text of /proc/stat (proc(5)), in ticks of 10 ms as a
    rule. None where there is none, or only zeros (gVisor)."""
    lines = dict[str, list[int]]()
    for line in stat.splitlines():
        name, *figures = line.split()
        if not name.startswith("cpu"):
            break
        lines[name] = [int(figure) for figure in figures]
    whole = lines.pop("cpu", [])
    if len(whole) < 8 or not any(whole):
        return None
    chosen = [figures for name, figures in lines.items() if int(name[3:]) in cpus]
    count = len(chosen)
    if count == len(lines):
        chosen = [whole]  # was added up before it was rounded to ticks
    ticks = os.sysconf("SC_CLK_TCK")
    idle = sum(figures[3] + figures[4] for figures in chosen)  # waiting for a disk is idle
    return CpuTimes(count, idle / ticks, sum(figures[7] for figures in chosen) / ticks)


def busy_seconds(before: CpuTimes | None, after: CpuTimes | None, wall: float) -> float | None:
    """CPU seconds that were used in `wall` seconds between two readings; None without them, or
    if CPUs came or went.

    As what is left of idle and stolen time: a kernel with NO_HZ measures idle time, while
    it attributes each tick of busy time whole to what was running as it ended. Time of
    guests, which Linux counts twice, in `guest` and in `user`, is so counted once.
    """
    if before is None or after is None or before.cpus != after.cpus:
        return None
    return wall * after.cpus - (after.idle - before.idle) - (after.steal - before.steal)


def pressure_seconds(pressure: str) -> float | None:
    """Total of the line "some" since boot, from the text of a cpu.pressure file, which has
    microseconds."""
    for line in pressure.splitlines():
        kind, *fields = line.split()
        if kind == "some":
            return int(fields[-1].removeprefix("total=")) / 1e6
    return None


def tree_cpu_seconds() -> float:
    """CPU time of this process and of those that it started, ended and waited for or not."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = sum(cpu_seconds_of(pid) for pid in descendants())
    return time.process_time() + ended.ru_utime + ended.ru_stime + living


def cpu_seconds_of(pid: int) -> float:
    """Of another process, by its clock, whose id is made as in clock_getcpuclockid(3), and of the
    children that it waited for, in ticks. 0 where there is no such process any more."""
    with suppress(OSError):
        own = time.clock_gettime(~pid << 3 | 2)
        fields = glance(f"/proc/{pid}/stat").rpartition(")")[2].split()
        waited = sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
        return own + waited
    return 0.0


def _group_pressure(membership: str) -> Path:
    """The pressure file of this process's control group (version 2); the root has none."""
    path = next((line[3:] for line in membership.splitlines() if line.startswith("0::")), "")
    files = [root / path.lstrip("/") / "cpu.pressure" for root in _CGROUPS]
    return next((file for file in files if file.exists()), files[0])


def _queue_seconds() -> dict[str, float]:
    """By thread of this process, how long it waited for a CPU since it began; empty where that
    cannot be had."""
    waited = dict[str, float]()
    for thread in os.scandir(_THREADS) if _THREADS.is_dir() else ():
        fields = glance(f"{thread.path}/schedstat").split()
        if len(fields) == 3:
            waited[thread.name] = int(fields[1]) / 1e9
    return waited
