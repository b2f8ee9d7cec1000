"""Everything that is metered around one timed window of a worker."""

from typing import Any

from compare.meters.activity import Activity
from compare.meters.contention import Contention
from compare.meters.energy import EnergyMeter
from compare.meters.memory import ChildrenPeak, HighWater


class WindowMeters:
    """Started just before a window is timed and stopped just after, never within."""

    def __init__(self) -> None:
        self._memory, self._children = HighWater(), ChildrenPeak()
        self._activity, self._energy = Activity(), EnergyMeter()
        self._contention = Contention()
        self._process_peak = 0

    def start(self) -> None:
        self._process_peak = max(self._process_peak, self._memory.peak())
        self._memory.reset()
        self._children.start()
        self._energy.start()
        self._contention.start()
        self._activity.start()

    def stop(self, seconds: float) -> dict[str, Any]:
        """The figures of `compare.records.record_types.Window`, of a window of so many seconds."""
        activity, contention = self._activity.stop(seconds), self._contention.stop()
        children = self._children.stop()
        peak = self._memory.peak()
        grown = max(0, peak - self._process_peak)
        self._process_peak = max(self._process_peak, peak)
        return {
            "joules": self._energy.joules(),
            "peak_bytes": peak,
            "grown_bytes": grown,
            "children_peak_bytes": children,
            **activity._asdict(),
            **contention._asdict(),
        }

    def process_peak(self) -> int:
        """The largest resident set since the process began, in bytes.

        The kernel's high-water mark is set back at each window, so it is the largest of all that
        were read; see `HighWater` for where there is none.
        """
        return max(self._process_peak, self._memory.peak())
