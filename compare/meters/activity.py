"""What this process and the machine did while a window was timed."""

import os
import re
import resource
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from compare.meters.contention import cpu_times
from compare.meters.kernel import CPUS, contents
from compare.meters.threads import cpu_numbers

BUSY_SHARE = 0.05
"""A thread is busy that used a CPU for more than this share of the window."""

_THREADS = Path("/proc/self/task")
_STAT = Path("/proc/stat")
_CPUINFO = Path("/proc/cpuinfo")


class WindowActivity(NamedTuple):
    """What happened within one window. Pitfalls of each figure:

    `cpu_seconds`: user and system time of all threads, those that ended included. Threads that
    wait for work in a loop (those of OpenMP, OpenBLAS and Eigen do so for a while) use a CPU like
    those that work, so it tells what a window occupied, not what it needed.

    `busy_threads`: threads that used a CPU for more than 5% of the window: how wide a
    framework really ran, whatever it was told. Waiting in a loop counts, as above; threads that
    ended within the window are missed. None where the system does not list threads (macOS).

    `involuntary_switches`: how often a thread was taken off its CPU while it could have run on,
    because of other processes or more threads than CPUs. Of the whole process (getrusage(2));
    what /proc/self/status shows is of the main thread alone.

    `voluntary_switches`: how often a thread went to wait, for another thread or for a disk.

    `steal_seconds`: what a hypervisor gave to others while CPUs had work, added up over those that
    this process may run on, whether it used them or not, in ticks of 10 ms as a rule. Zero
    on bare metal, and also where a hypervisor hides it. None where there is no such count.

    `mhz`: clock of the CPUs in the affinity mask at the end of the window, their mean. One sample,
    not the mean over the window; CPUs that were idle count with what they were last set to.
    None where the clock is not measured, as in most virtual machines.
    """

    cpu_seconds: float
    busy_threads: int | None
    involuntary_switches: int
    voluntary_switches: int
    steal_seconds: float | None
    mhz: float | None


class Activity:
    """`start` right before what is timed, `stop` right after it, in the process that does it.

    Cheap beside a window: a few system calls, and one for each thread. Measured on two CPUs:
    0.04 and 0.07 ms with 2 threads, 0.2 and 0.25 ms with 100. /proc/stat, and /proc/cpuinfo where
    the clock is read from it, grow with the number of CPUs.
    """

    def start(self) -> None:
        self._steal = steal_seconds(contents(_STAT), cpu_numbers())
        self._threads = _thread_seconds()
        self._usage = resource.getrusage(resource.RUSAGE_SELF)
        self._cpu = time.process_time()

    def stop(self, seconds: float) -> WindowActivity:
        """What happened since `start`, in a window of so many seconds."""
        cpu = time.process_time() - self._cpu
        usage = resource.getrusage(resource.RUSAGE_SELF)
        threads, mhz = _thread_seconds(), _current_mhz()
        stolen = steal_seconds(contents(_STAT), cpu_numbers())
        used = [after - self._threads.get(thread, 0.0) for thread, after in threads.items()]
        return WindowActivity(
            cpu_seconds=cpu,
            busy_threads=sum(one > BUSY_SHARE * seconds for one in used) if threads else None,
            involuntary_switches=usage.ru_nivcsw - self._usage.ru_nivcsw,
            voluntary_switches=usage.ru_nvcsw - self._usage.ru_nvcsw,
            steal_seconds=None if stolen is None or self._steal is None else stolen - self._steal,
            mhz=mhz,
        )


def steal_seconds(stat: str, cpus: list[int]) -> float | None:
    """Stolen time since boot, of the CPUs of these numbers together, from the text of /proc/stat
    (proc(5)): the eighth figure of their lines, in ticks. None where there is none."""
    times = cpu_times(stat, cpus)
    return times.steal if times else None


def mean_mhz(cpuinfo: str, cpus: list[int]) -> float | None:
    """Mean "cpu MHz" of the CPUs of these numbers, from the text of /proc/cpuinfo (x86).

    None without the flag `aperfmperf`: then the kernel has no counter of real cycles, and shows
    the constant rate of the time stamp counter in its place.
    """
    if not re.search(r"^flags\s*:.*\baperfmperf\b", cpuinfo, re.MULTILINE):
        return None
    clocks = list[float]()
    for block in cpuinfo.split("\n\n"):
        fields = dict(re.findall(r"^(processor|cpu MHz)\s*:\s*([\d.]+)$", block, re.MULTILINE))
        if len(fields) == 2 and int(fields["processor"]) in cpus:
            clocks.append(float(fields["cpu MHz"]))
    return sum(clocks) / len(clocks) if clocks else None


def _current_mhz() -> float | None:
    cpus = cpu_numbers()
    found = [contents(CPUS / f"cpu{cpu}/cpufreq/scaling_cur_freq") for cpu in cpus]
    kilohertz = [float(text) for text in found if text]
    if kilohertz:
        return sum(kilohertz) / len(kilohertz) / 1000
    return mean_mhz(contents(_CPUINFO), cpus) if _cpuinfo_measures() else None


@cache
def _cpuinfo_measures() -> bool:
    return mean_mhz(contents(_CPUINFO), cpu_numbers()) is not None


def _thread_seconds() -> dict[str, float]:
    """CPU time of each thread of this process by its number; empty where it cannot be had.

    From the clock of the thread, whose id is made of the thread's number as in
    pthread_getcpuclockid(3). Against /proc/self/task/*/stat that is a tenth of the cost, and it
    counts nanoseconds instead of ticks of 10 ms.
    """
    used = dict[str, float]()
    for thread in os.scandir(_THREADS) if _THREADS.is_dir() else ():
        with suppress(OSError):  # it ended
            used[thread.name] = time.clock_gettime(~int(thread.name) << 3 | 6)
    return used
