"""What the machine's CPUs can do: the two roofs of the roofline model, and a speed check.

`python -m compare.meters.roofline [THREADS]` prints the roofs as one JSON object.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, NamedTuple

from compare.meters.machine import CPUS, contents, cpu_numbers, pin_to, usable_cpus

if TYPE_CHECKING:  # NumPy sizes its pool as it is imported: only after `measure` has set how
    from compare.spec.arrays import Array

_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_LIMIT_SECONDS = 60.0
_SIZES = (512, 1024, 2048, 4096)
_SIZE_SECONDS = 0.3
# At least so much, all threads together, and no power of two: 2^28 bytes, in turns with this on
# one machine, came to 44 GB/s at best where this came to 52.
_COPIED_BYTES = 300_000_000
_COPIED_CACHES = 4.4
_COPY_TRIALS, _COPY_SECONDS = 10, 0.1
_CHECK_SIZE, _CHECK_PRODUCTS = 1024, 5


class Roofline(NamedTuple):
    """Roofs over what a program can reach on these CPUs (Williams, Waterman and Patterson 2009).

    `flops_per_second`: the fastest of many products of square float32 matrices by NumPy's BLAS,
    2 n^3 operations at size n. Pitfall: it is that library's roof rather than the processor's.
    Better kernels can pass it, and so can products in a lower precision.

    `bytes_per_second`: the fastest of some trials in which all threads copy arrays more than four
    times as large as the last-level caches. Counted as STREAM does (McCalpin 1995): what is
    read and what is written, not what a store may fetch first. Pitfall: a program whose data
    stays in the caches passes it.

    Both are maxima over about a second; clocks may fall in longer runs. What neighbours on a
    shared machine take away may last longer than a probe: on one virtual machine, probes minutes
    apart gave 29 to 52 GB/s, and 189 to 207 GFLOP/s.
    """

    flops_per_second: float
    bytes_per_second: float


def probe(threads: int | None) -> tuple[Roofline | None, str]:
    """The roofs for so many threads (None: as many as usable CPUs), from a process of its own
    that takes some three seconds; or None, and the reason in one line."""
    command = [sys.executable, "-P", "-m", "compare.meters.roofline"]
    command += [str(threads)] if threads else []
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_LIMIT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"the roofline probe took longer than {_LIMIT_SECONDS:g} s"
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return None, f"the roofline probe failed: {said[-1]}"
    return Roofline(**json.loads(done.stdout)), ""


def measure(threads: int | None) -> Roofline:
    """The roofs, measured in this process: it is pinned, and must not have NumPy loaded yet."""
    assert "numpy" not in sys.modules
    if threads:
        pin_to(threads)
    threads = threads or usable_cpus()
    os.environ.update(dict.fromkeys(_POOLS, str(threads)))
    return Roofline(_flops_per_second(), _bytes_per_second(threads))


def speed_check() -> float:
    """Seconds that five products of float32 matrices of size 1024 take NumPy's BLAS, after one
    that is not timed: some 50 ms at 200 GFLOP/s.

    The work never changes, so a later call that takes longer says that the machine has become
    slower, by its clock or its neighbours. Pitfalls: it runs on the threads that NumPy has in
    this process, whatever those of a run are; it sees an instant, not the time in between; and
    OpenBLAS's threads wait for more work in a loop, 0.1 s long, before they leave their CPUs.
    """
    operands = _matrices(_CHECK_SIZE)
    _product_seconds(*operands)
    return sum(_product_seconds(*operands) for _ in range(_CHECK_PRODUCTS))


def _flops_per_second() -> float:
    best = 0.0
    for size in _SIZES:  # the larger, the more threads they keep busy
        operations = 2 * size**3
        if operations > best * _SIZE_SECONDS > 0:
            break  # one product would take longer than its time
        operands, until = _matrices(size), time.perf_counter() + _SIZE_SECONDS
        while time.perf_counter() < until:
            best = max(best, operations / _product_seconds(*operands))
    return best


def _matrices(size: int) -> tuple["Array", "Array", "Array"]:
    import numpy as np

    left, right = np.random.default_rng(0).random((2, size, size), np.float32)
    return left, right, np.empty_like(left)


def _product_seconds(left: "Array", right: "Array", out: "Array") -> float:
    import numpy as np

    began = time.perf_counter()
    np.matmul(left, right, out=out)
    return time.perf_counter() - began


def _bytes_per_second(threads: int) -> float:
    import numpy as np

    size = max(_COPIED_BYTES, int(_COPIED_CACHES * _last_level_cache_bytes()))
    together = Barrier(threads, timeout=_LIMIT_SECONDS / 2)

    def copy(_: int) -> list[float]:
        # Each thread fills its own arrays, so that they lie in the memory next to it.
        source, target = np.ones(size // threads // 8), np.ones(size // threads // 8)
        rates = list[float]()
        for _ in range(_COPY_TRIALS):
            together.wait()
            copied, began = 0, time.perf_counter()
            while (seconds := time.perf_counter() - began) < _COPY_SECONDS:
                np.copyto(target, source)
                copied += source.nbytes + target.nbytes
            rates.append(copied / seconds)
        return rates

    with ThreadPoolExecutor(threads) as pool:  # NumPy copies without the interpreter's lock
        by_thread = list(pool.map(copy, range(threads)))
    return max(sum(rates[trial] for rates in by_thread) for trial in range(_COPY_TRIALS))


def _last_level_cache_bytes() -> int:
    """Size of the last-level caches of the CPUs in the affinity mask together; 0 if not known."""
    sizes = dict[str, int]()
    for cpu in cpu_numbers():
        levels = sorted((CPUS / f"cpu{cpu}/cache").glob("index*"), key=_level)
        if levels and (kibibytes := contents(levels[-1] / "size").strip().removesuffix("K")):
            sizes[contents(levels[-1] / "shared_cpu_list")] = int(kibibytes) * 1024
    return sum(sizes.values())


def _level(cache: Path) -> str:
    return contents(cache / "level")


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else None
    print(json.dumps(measure(asked)._asdict()))
