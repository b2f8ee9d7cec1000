"""Energy that processors and NVIDIA GPUs drew, in joules, from their own counters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from compare.meters.kernel import contents

_POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Counter:
    """A count of joules since some moment, which begins again at 0 after `largest`."""

    name: str
    read: Callable[[], float | None]
    largest: float | None = None

    def between(self, before: float | None, now: float | None) -> float | None:
        """Joules from one reading to the next; None where one is missing."""
        if before is None or now is None:
            return None
        if now < before:
            return None if self.largest is None else now - before + self.largest
        return now - before


class EnergyMeter:
    """Energy since `start` (or since it was made), in joules, the sum over all `sources`.

    Sources are every processor package (RAPL of Intel and AMD, on Linux) and every NVIDIA GPU
    (NVML, with the library `nvidia-ml-py`). Without any, `joules` is None; energy is never
    estimated from time or load.

    Pitfalls. A counter is of the whole package or board: idle power, other processes and GPUs
    that the run leaves alone are in it, so figures compare on a quiet machine only. Main memory,
    disks, fans and losses of the power supply are not in it. RAPL counts are readable for root
    alone since Linux 5.10 (CVE-2020-8694, "PLATYPUS"), unless an administrator allows more, and
    virtual machines have none. They are renewed each millisecond or so, those of a GPU every 20
    to 100 ms, on some from samples that cover a part of the time (Yang et al. 2024, "Part-time
    Power Measurements"): a window of a second or more, or many of them. A RAPL count begins
    anew after some 65 kJ or more (7 minutes at 150 W): one such turn between two readings is
    seen, a second one is not.
    """

    def __init__(self, counters: Sequence[Counter] | None = None) -> None:
        found = [*rapl_counters(_POWERCAP), *nvml_counters()] if counters is None else counters
        self._counters = tuple(found)
        self.start()

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the counters that can be read here, such as "rapl package-0"."""
        return tuple(counter.name for counter in self._counters)

    def start(self) -> None:
        self._before = [counter.read() for counter in self._counters]

    def joules(self) -> float | None:
        """Joules since `start`; None without a source, or if one could not be read."""
        now = [counter.read() for counter in self._counters]
        pairs = zip(self._counters, self._before, now, strict=True)
        used = [counter.between(before, after) for counter, before, after in pairs]
        known = [joules for joules in used if joules is not None]
        return sum(known) if used and len(known) == len(used) else None


def rapl_counters(powercap: Path) -> list[Counter]:
    """The processor packages in a powercap folder of the kernel, as far as they can be read.

    Each zone intel-rapl:N (AMD's too) has a name, microjoules in energy_uj and their largest
    value in max_energy_range_uj (Linux, Documentation/power/powercap). Zones within a package
    (intel-rapl:N:M, cores and graphics) are counted in it already; "psys" is the whole board,
    the packages included; memory is left out, which only some servers count.
    """
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        name, largest = contents(zone / "name").strip(), _joules(zone / "max_energy_range_uj")
        if name.startswith("package-") and _joules(zone / "energy_uj") is not None:
            found.append(Counter(f"rapl {name}", _reader(zone / "energy_uj"), largest))
    return found


def nvml_counters() -> list[Counter]:
    """The NVIDIA GPUs that count their energy (Volta and later); none without `nvidia-ml-py`."""
    try:
        nvml: Any = import_module("pynvml")
    except ModuleNotFoundError:
        return []
    found = []
    try:
        nvml.nvmlInit()
        for index in range(nvml.nvmlDeviceGetCount()):
            counter = _gpu(nvml, index)
            if counter.read() is not None:
                found.append(counter)
    except nvml.NVMLError:  # no driver
        return []
    return found


def _gpu(nvml: Any, index: int) -> Counter:
    device = nvml.nvmlDeviceGetHandleByIndex(index)

    def read() -> float | None:
        try:
            return float(nvml.nvmlDeviceGetTotalEnergyConsumption(device)) / 1e3  # millijoules
        except nvml.NVMLError:  # an older GPU, or one that was lost
            return None

    return Counter(f"nvml {index} {nvml.nvmlDeviceGetName(device)}", read)


def _reader(path: Path) -> Callable[[], float | None]:
    return lambda: _joules(path)


def _joules(path: Path) -> float | None:
    microjoules = contents(path).strip()
    return int(microjoules) / 1e6 if microjoules else None
