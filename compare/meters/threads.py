"""Which CPUs a process may use, and how many threads compute on them."""

import os
from pathlib import Path

from compare.errors import UserError
from compare.meters.kernel import CGROUP, MEMBERSHIP, UNAVAILABLE, contents, control_groups


def usable_cpus() -> int:
    """CPUs that this process may run on: the affinity mask where there is one."""
    return len(cpu_numbers()) or os.cpu_count() or 1


def cpu_numbers() -> list[int]:
    """The system's numbers of the CPUs in the affinity mask; empty where there is no mask."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def default_threads() -> int:
    """Threads of a worker that is not told how many: as many as usable CPUs, or as whole CPUs
    that the control group's quota grants, where that is less; at least 1.

    Rounded down: with more threads than the quota feeds, all of them are stopped for the rest of
    each period, and those that have work wait for one that was stopped amidst its own.
    """
    quota = cpu_quota(CGROUP, contents(MEMBERSHIP))
    granted = usable_cpus() if quota in (UNAVAILABLE, "none") else int(float(quota))
    return max(1, min(usable_cpus(), granted))


def require_threads(asked: int) -> int:
    """`asked`, if there is a CPU for each thread; raises UserError if there are fewer.

    With more threads than CPUs some frameworks spin through whole time slices, and others, which
    look at the affinity mask, start fewer than they are told: nothing is comparable.
    """
    usable = usable_cpus()
    if asked > usable:
        cpus = f"{usable} CPU{'s' * (usable != 1)}"
        raise UserError(f"--threads {asked}: only {cpus} can be used: take --threads {usable}")
    return asked


def pin_to(threads: int, rank: int = 0) -> None:
    """Keep this process to `threads` CPUs, where the system can: to its first ones, or to the next
    ones for each rank of several. Where there are fewer, ranks share them.

    Frameworks that size their pools from the affinity mask (XLA) then do so alike.
    """
    if hasattr(os, "sched_setaffinity"):
        cpus = cpu_numbers()
        first = rank * threads
        own = {cpus[place % len(cpus)] for place in range(first, first + min(threads, len(cpus)))}
        os.sched_setaffinity(0, own)


def cpu_quota(root: Path, membership: str) -> str:
    """CPUs that the control group of a process may use, as text: "1.5", or "none" if not limited.

    The tightest of the group and its parents counts, see `control_groups`. Version 2 says
    "QUOTA PERIOD" in cpu.max, version 1 has two files; a quota of "max" or -1 is no limit.
    """
    folders, limits = list(control_groups(root, membership, "cpu")), list[float]()
    for folder in folders:
        quota, _, period = contents(folder / "cpu.max").partition(" ")
        if not period:
            quota = contents(folder / "cpu.cfs_quota_us")
            period = contents(folder / "cpu.cfs_period_us")
        if period and quota.strip() not in ("max", "-1"):
            limits.append(int(quota) / int(period))
    if not folders:
        return UNAVAILABLE
    return f"{min(limits):g}" if limits else "none"
