"""What the machine's CPUs can do: the two roofs of the roofline model, and a speed check.

`python -m compare.meters.roofline THREADS SHARE` prints the roofs as one JSON array.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, NamedTuple

from compare.meters.kernel import CPUS, contents
from compare.meters.threads import cpu_numbers, pin_to, usable_cpus

if TYPE_CHECKING:  # NumPy sizes its pool as it is imported: only after `measure` has set how
    from compare.spec.arrays import Array

_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_NARROWING = (
    "BLIS_ARCH_TYPE",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_BLOCK_FACTOR",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)
_LIMIT_SECONDS = 60.0
_SIZES = (512, 1024, 2048, 4096)
_SIZE_SECONDS = 0.3
# At least so much, all threads together, and no power of two: 2^28 bytes, in turns with this on
# one machine, came to 44 GB/s at best where this came to 52.
_COPIED_BYTES = 300_000_000
_COPIED_CACHES = 4.4
_COPY_TRIALS, _COPY_SECONDS = 10, 0.1
_CHECKED, _CHECKED_ERROR = 16, 1e-3
_CHECK_SIZE, _CHECK_PRODUCTS = 1024, 5


class Roofline(NamedTuple):
    """Roofs over what a program can reach on these CPUs (Williams, Waterman and Patterson 2009).

    `flops_per_second`: the fastest of many products of square float32 matrices by NumPy's BLAS,
    2 n^3 operations at size n, with the choice of kernels left to it. Pitfall: it is that
    library's roof rather than the processor's. Better kernels can pass it, and so can products in
    a lower precision.

    `bytes_per_second`: the fastest of some trials in which all threads copy arrays more than four
    times as large as the last-level caches. Counted as STREAM does (McCalpin 1995): what is
    read and what is written, not what a store may fetch first. Pitfall: a program whose data
    stays in the caches passes it.

    Both are maxima over about a second; clocks may fall in longer runs. What neighbours on a
    shared machine take away may last longer than a probe: on one virtual machine, probes minutes
    apart gave 29 to 52 GB/s, and 189 to 207 GFLOP/s.

    `narrowed_by`: the environment variables found set that hold a library to some of its kernels.
    They hold the frameworks, and not the roof, unless what they leave out is not fit to be used
    here: then the roof is what they allow.
    """

    flops_per_second: float
    bytes_per_second: float
    narrowed_by: tuple[str, ...] = ()


def probe(threads: int | None) -> tuple[Roofline | None, str]:
    """The roofs for so many threads (None: as many as usable CPUs), from a process of its own
    that takes some three seconds; or None, and the reason in one line."""
    narrowed = tuple(name for name in _NARROWING if os.environ.get(name))
    free = {name: value for name, value in os.environ.items() if name not in narrowed}
    tried = [free, dict(os.environ)] if narrowed else [free]
    probed = [_probe(environment, threads, 1 / len(tried)) for environment in tried]
    found = [roofline for roofline, _ in probed if roofline]
    if not found:
        return None, probed[-1][1]
    best = Roofline(
        max(roofline.flops_per_second for roofline in found),
        max(roofline.bytes_per_second for roofline in found),
        narrowed,
    )
    return best, ""


def _probe(
    environment: dict[str, str], threads: int | None, share: float
) -> tuple[Roofline | None, str]:
    command = [sys.executable, "-P", "-m", "compare.meters.roofline"]
    command += [str(threads or usable_cpus()), str(share)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment,
            timeout=_LIMIT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"the roofline probe took longer than {_LIMIT_SECONDS:g} s"
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return None, f"the roofline probe failed: {said[-1]}"
    return Roofline(*json.loads(done.stdout)), ""


def measure(threads: int, share: float = 1.0) -> Roofline:
    """The roofs, measured in this process: it is pinned, and must not have NumPy loaded yet.
    `share`: of the usual time, 1 at most. Raises ArithmeticError if a product is wrong."""
    assert "numpy" not in sys.modules
    pin_to(threads)
    os.environ.update(dict.fromkeys(_POOLS, str(threads)))
    return Roofline(fastest_product(_by_numpy, share), _bytes_per_second(threads, share))


def speed_check() -> float:
    """Seconds that five products of float32 matrices of size 1024 take NumPy's BLAS, after one
    that is not timed: some 50 ms at 200 GFLOP/s.

    The work never changes, so a later call that takes longer says that the machine has become
    slower, by its clock or its neighbours. Pitfalls: it runs on the threads that NumPy has in
    this process, whatever those of a run are; it sees an instant, not the time in between; and
    OpenBLAS's threads wait for more work in a loop, 0.1 s long, before they leave their CPUs.
    """
    multiply = _by_numpy(*_matrices(_CHECK_SIZE))
    multiply()
    began = time.perf_counter()
    for _ in range(_CHECK_PRODUCTS):
        multiply()
    return time.perf_counter() - began


def fastest_product(
    make: Callable[["Array", "Array"], Callable[[], object]], share: float = 1.0
) -> float:
    """FLOP/s of the fastest of many products of square float32 matrices, at several sizes n, 2 n^3
    operations each. `make` is given left and right, (n, n) each, and returns what multiplies them.

    `share`: of the usual time, some 0.3 s for each size.
    """
    best, seconds = 0.0, share * _SIZE_SECONDS
    for size in _SIZES:  # the larger, the more threads they keep busy
        operations = 2 * size**3
        if operations > best * seconds > 0:
            break  # one product would take longer than its time
        multiply = make(*_matrices(size))
        multiply()  # compiles, where that is how a framework computes
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            multiply()
            best = max(best, operations / (time.perf_counter() - began))
    return best


def _by_numpy(left: "Array", right: "Array") -> Callable[[], object]:
    import numpy as np

    product = np.matmul(left, right)
    _require_right(left, right, product)
    return lambda: np.matmul(left, right, out=product)


def _require_right(left: "Array", right: "Array", product: "Array") -> None:
    """The last block of a product against sums in float64, made without BLAS: kernels that were
    chosen for another processor may compute anything."""
    import numpy as np

    rows, columns = left[-_CHECKED:].astype(np.float64), right[:, -_CHECKED:].astype(np.float64)
    wanted = np.einsum("ik,kj->ij", rows, columns)
    off = float(np.max(np.abs(product[-_CHECKED:, -_CHECKED:] / wanted - 1)))
    if not off < _CHECKED_ERROR:
        raise ArithmeticError(f"NumPy's product of float32 matrices is off by {off:.2g}")


def _matrices(size: int) -> tuple["Array", "Array"]:
    import numpy as np

    left, right = np.random.default_rng(0).random((2, size, size), np.float32)
    return left, right


def _bytes_per_second(threads: int, share: float) -> float:
    import numpy as np

    size = max(_COPIED_BYTES, int(_COPIED_CACHES * _last_level_cache_bytes()))
    trials = max(1, round(share * _COPY_TRIALS))
    together = Barrier(threads, timeout=_LIMIT_SECONDS / 2)

    def copy(_: int) -> list[float]:
        # Each thread fills its own arrays, so that they lie in the memory next to it.
        source, target = np.ones(size // threads // 8), np.ones(size // threads // 8)
        rates = list[float]()
        for _ in range(trials):
            together.wait()
            copied, began = 0, time.perf_counter()
            while (seconds := time.perf_counter() - began) < _COPY_SECONDS:
                np.copyto(target, source)
                copied += source.nbytes + target.nbytes
            rates.append(copied / seconds)
        return rates

    with ThreadPoolExecutor(threads) as pool:  # NumPy copies without the interpreter's lock
        by_thread = list(pool.map(copy, range(threads)))
    return max(sum(rates[trial] for rates in by_thread) for trial in range(trials))


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
    print(json.dumps(measure(int(sys.argv[1]), float(sys.argv[2]))))
