"""What machine and software a run happened on."""

import os
import platform
import sys
from pathlib import Path

import psutil

_RELEVANT = (
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "TF_",
    "XLA_",
    "JAX_",
    "KERAS_",
    "TORCH",
    "CUDA_",
    "NPROC",
)


def usable_cpus() -> int:
    """CPUs that this process may run on: the affinity mask where there is one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def pin_to(threads: int) -> None:
    """Keep this process to its first `threads` CPUs, where the system can.

    Frameworks that size their pools from the affinity mask (XLA) then do so alike.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def describe() -> dict[str, str | int]:
    """Hardware, system and interpreter, flat, for the environment part of a report."""
    return {
        "cpu": _cpu_model(),
        "cpus": usable_cpus(),
        "memory_bytes": int(psutil.virtual_memory().total),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": sys.version.split()[0],
    }


def relevant_environment() -> dict[str, str]:
    """Environment variables that change how a framework computes."""
    return {key: value for key, value in sorted(os.environ.items()) if key.startswith(_RELEVANT)}


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
