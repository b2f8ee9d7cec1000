"""What machine and software a run happened on.

What the system does not tell is "unavailable" (None where a function returns one value): on
macOS most of what is read here from /proc and /sys, in virtual machines and containers some.
"""

import os
import platform
import re
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from compare.meters.kernel import CGROUP, CPUS, MEMBERSHIP, UNAVAILABLE, contents
from compare.meters.threads import cpu_numbers, cpu_quota, usable_cpus
from compare.meters.variables import recordable

_NODES = Path("/sys/devices/system/node")
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_KEEP_MEMORY = ":".join(
    [
        "glibc.malloc.hugetlb=1",  # transparent huge pages, where the system grants them
        "glibc.malloc.mmap_threshold=4294967296",
        "glibc.malloc.trim_threshold=4294967296",
        "glibc.malloc.arena_max=1",  # a thread's own arena hands out no block above 64 MB
    ]
)


def describe() -> dict[str, str | int]:
    """Hardware, system and interpreter, flat, for the environment part of a report.

    `host` is the machine's name in its network, which tells machines of one kind apart.
    `cpus` are those of the affinity mask, hyperthreads counted, `physical_cores` those of the
    whole machine without them. `cpu_quota` is how many the control group grants: where it is
    less than `cpus`, threads are stopped for the rest of each period (0.1 s as a rule), and
    windows stutter. A `governor` other than "performance" and a wide range of `clock_mhz` let the
    clock follow the load. With a `hypervisor` other guests may take time, which
    `steal_seconds` of each window tells. `load_average` is of the last minute, near 0 unless
    something else was running; `swap_bytes` is the size of the swap space.
    """
    return {
        "host": platform.node() or UNAVAILABLE,
        "cpu": _cpu_model(),
        "cpus": usable_cpus(),
        "physical_cores": psutil.cpu_count(logical=False) or UNAVAILABLE,
        "numa_nodes": len(list(_NODES.glob("node[0-9]*"))) or UNAVAILABLE,
        "governor": _of_each_cpu("scaling_governor"),
        "clock_mhz": _clock_range(),
        "hypervisor": _hypervisor(),
        "cpu_quota": cpu_quota(CGROUP, contents(MEMBERSHIP)),
        "memory_bytes": int(psutil.virtual_memory().total),
        "swap_bytes": int(psutil.swap_memory().total),
        "transparent_hugepages": chosen(contents(_HUGE_PAGES)),
        "load_average": _load_average(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": sys.version.split()[0],
    }


def worker_environment() -> dict[str, str]:
    """The environment of every worker: this process's own, and where it says nothing of glibc's
    allocator, that memory is kept when it is freed and lies in huge pages.

    By default a block of more than 32 MB, such as the logits of a batch, goes back to the system
    after each use, and the page faults of asking for it again were seen to take up to a quarter
    of a step, in some frameworks and some runs and not in others.
    """
    return {"GLIBC_TUNABLES": _KEEP_MEMORY, **os.environ}


def relevant_environment() -> dict[str, str]:
    """Environment variables of a worker that change how a framework computes; nothing that looks
    like a credential (`compare.meters.variables`)."""
    return recordable(worker_environment())


def native_libraries() -> list[str] | None:
    """The BLAS and OpenMP libraries loaded in this process, each as one line such as
    "openblas 0.3.31 (SkylakeX, pthreads, 2 threads)": version, kernels that were chosen for
    this CPU, threading layer, and threads as they are set now.

    None without `threadpoolctl`. It finds shared libraries by their file name, so what a
    framework links statically (MKL or oneDNN in torch, Eigen in XLA) is not listed.
    """
    try:
        found: list[dict[str, Any]] = import_module("threadpoolctl").threadpool_info()
    except ModuleNotFoundError:
        return None
    return sorted({_library(info) for info in found})


def chosen(options: str) -> str:
    """Which one the kernel marks in a list of options: "madvise" of "always [madvise] never"."""
    found = re.search(r"\[(.+?)\]", options)
    return found[1] if found else UNAVAILABLE


def _library(info: dict[str, Any]) -> str:
    title = " ".join(filter(None, (info["internal_api"], info["version"])))
    if info["user_api"] == "openmp":
        title = info["prefix"]  # libgomp, libomp, libiomp5: they tell no version
    details = [info.get("architecture"), info.get("threading_layer")]
    details.append(f"{info['num_threads']} thread{'s' * (info['num_threads'] != 1)}")
    return f"{title} ({', '.join(filter(None, details))})"


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", contents(Path("/proc/cpuinfo")), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or "unknown"


def _hypervisor() -> str:
    """Whether the CPU says that it is a virtual one; x86 alone has such a flag."""
    flags = re.search(r"^flags\s*:(.*)$", contents(Path("/proc/cpuinfo")), re.MULTILINE)
    if not flags:
        return UNAVAILABLE
    return "yes" if "hypervisor" in flags[1].split() else "no"


def _of_each_cpu(setting: str) -> str:
    """The different values of a cpufreq setting over the CPUs in the mask, as text."""
    values = {contents(CPUS / f"cpu{cpu}/cpufreq/{setting}").strip() for cpu in cpu_numbers()}
    return ", ".join(sorted(values - {""})) or UNAVAILABLE


def _clock_range() -> str:
    """Lowest and highest clock that the processor may choose, "800-3500", in MHz."""
    low, high = _of_each_cpu("cpuinfo_min_freq"), _of_each_cpu("cpuinfo_max_freq")
    if UNAVAILABLE in (low, high):
        return UNAVAILABLE
    lowest = min(int(kilohertz) for kilohertz in low.split(", "))
    highest = max(int(kilohertz) for kilohertz in high.split(", "))
    return f"{lowest // 1000}-{highest // 1000}"


def _load_average() -> str:
    with suppress(OSError):
        return f"{os.getloadavg()[0]:.2f}"
    return UNAVAILABLE
