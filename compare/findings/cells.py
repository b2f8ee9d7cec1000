"""The records of one cell, and what follows from them alone."""

import math
from collections.abc import Sequence
from statistics import fmean, median

from compare.findings import speed
from compare.findings.time_to_target import Target
from compare.records.record_types import (
    AnyRecord,
    Built,
    CellRecord,
    Ended,
    Evaluated,
    Multiplied,
    Opened,
    Planned,
    Window,
)
from compare.records.values import CellName, DeviceInfo
from compare.stats.steadiness import Steadiness, steadiness

PHASES = ("import", "build", "compile", "warmup", "steady", "evaluation")


class Cell:
    """One cell of a run. Figures are null where nothing was measured.

    Losses, evaluations and phases are of its first finished round, or of the first begun one.
    """

    def __init__(self, name: CellName, records: Sequence[AnyRecord]) -> None:
        mine = [r for r in records if isinstance(r, CellRecord) and r.cell == name]
        self.name = name
        self.ends = [r for r in mine if isinstance(r, Ended)]
        finished = [r.round for r in self.ends if r.status == "ok"]
        self.round = min(finished or [r.round for r in mine], default=1)
        of_round = [r for r in mine if r.round == self.round]
        self.opened = next((r for r in of_round if isinstance(r, Opened)), None)
        self.built = next((r for r in of_round if isinstance(r, Built)), None)
        self.planned = next((r for r in of_round if isinstance(r, Planned)), None)
        self.multiplied = [r for r in mine if isinstance(r, Multiplied)]
        self.evaluations = [r for r in of_round if isinstance(r, Evaluated)]
        self.own_windows = [r for r in of_round if isinstance(r, Window)]
        self.windows = [r for r in mine if isinstance(r, Window)]
        self.timed = [w for w in self.windows if w.is_timed]
        self.timings = speed.timings_of(self.windows)

    def device_info(self) -> DeviceInfo:
        """What the framework knows of the device that the cell computed on."""
        label = self.built.device if self.built else ""
        seen = self.opened.device_infos if self.opened else []
        return next((one for one in seen if one.label == label), DeviceInfo(label=label))

    def losses(self) -> list[float]:
        """The training loss of every step, up to the first one whose record is lost."""
        found = list[float]()
        for window in self.own_windows:
            if window.first_step > len(found) and window.losses:
                break
            found += window.losses
        return found

    def end(self) -> Ended:
        """The worst end over all rounds; a cell without one was cut off."""
        worst = [r for r in self.ends if r.status != "ok"]
        if worst:
            return worst[0]
        if self.ends:
            return self.ends[0]
        return Ended(cell=self.name, round=1, status="interrupted", reason="the run was cut off")

    def evaluated(self, steps: int) -> Evaluated | None:
        """The evaluation after the last of `steps`."""
        return next((r for r in self.evaluations if r.step == steps), None)

    def seconds_to(self, target: Target | None) -> float | None:
        """Training time, compilation included and evaluation not, until an evaluation reached
        the target; no finer than its windows."""
        reached = [r.step for r in self.evaluations if target and target.reached(r)]
        if not reached:
            return None
        training = [w for w in self.own_windows if w.role != "beyond"]
        before = [w for w in training if w.first_step < min(reached)]
        return sum(w.lead_seconds + w.seconds for w in before)

    def total_tokens_per_second(self) -> float | None:
        """All timed tokens over all timed seconds, stalls and contended windows included."""
        return sum(w.tokens for w in self.timed) / self._seconds() if self.timed else None

    def window_step_seconds(self) -> list[float]:
        """The mean step of each timed window, in the order of execution."""
        ordered = sorted(self.timed, key=lambda w: (w.round, w.index))
        return [w.seconds / w.timed_steps for w in ordered]

    def phases(self, pace: float) -> dict[str, float]:
        """Seconds of each phase. `compile` is what the first step, and the first ones of the
        warm-up, took beyond the `pace` of steady ones, in seconds per step: tracing, compiling,
        growing into memory.
        `evaluation` is the loss and all looks for a target; decoding outputs is in none."""
        found: dict[str, float] = {}
        if self.opened:
            found["import"] = self.opened.seconds
        if self.built:
            found["build"] = self.built.seconds
        early = [w for w in self.own_windows if w.role != "beyond" and not w.is_timed]
        if early:
            spent = sum(w.lead_seconds + w.seconds for w in early)
            steps = sum(len(w.losses) for w in early)
            found["compile"] = max(0.0, spent - steps * pace)
            found["warmup"] = spent - found["compile"]
        timed = [w for w in self.own_windows if w.is_timed]
        if timed:
            found["steady"] = sum(w.lead_seconds + w.seconds for w in timed)
        if self.evaluations:
            found["evaluation"] = sum(e.seconds for e in self.evaluations)
        return found

    def steadiness(self) -> Steadiness:
        """Of the round with the most timed windows: rounds are processes of their own."""
        return steadiness([self.timings[place] for place in self.longest_round()])

    def longest_round(self) -> list[speed.Place]:
        """The timed windows of the round with the most of them, in the order of execution."""
        rounds = {place[0] for place in self.timings}
        longest = max(
            rounds, key=lambda number: sum(p[0] == number for p in self.timings), default=0
        )
        return sorted(place for place in self.timings if place[0] == longest)

    def peak(self) -> tuple[int, int] | None:
        """The most that the worker and the processes that it started held in one window, and what
        of it was the latter's."""
        held = [(w.peak_bytes, w.children_peak_bytes or 0) for w in self._measured()]
        most = max(held, key=sum, default=None)
        return most and (sum(most), most[1])

    def _measured(self) -> list[Window]:
        """Those in which memory is looked at: steady ones, where there are any."""
        return [w for w in self.windows if w.is_measured] or self.windows

    def largest_rank_bytes(self) -> int | None:
        """The most that one of several ranks held in a window."""
        windows = self._measured()
        return max((held for w in windows for held in w.rank_peak_bytes), default=None)

    def imbalance(self) -> float | None:
        """By how much the quickest of several ranks is ahead of the slowest, as a share of the
        slowest's time: the mean over windows."""
        each = [w.rank_seconds for w in self.timed if any(w.rank_seconds)]
        found = [(max(seconds) - min(seconds)) / max(seconds) for seconds in each]
        return fmean(found) if found else None

    def wire_bytes_per_step(self) -> float | None:
        """What the machine of several ranks sent over its network interfaces."""
        sent = [(w.wire_bytes, w.timed_steps) for w in self.timed if w.wire_bytes is not None]
        steps = sum(steps for _, steps in sent)
        return sum(one for one, _ in sent) / steps if steps else None

    def process_peak_bytes(self) -> int | None:
        return max((e.process_peak_bytes for e in self.ends if e.process_peak_bytes), default=None)

    def device_peak_bytes(self) -> int | None:
        return max((w.device_peak_bytes for w in self.windows if w.device_peak_bytes), default=None)

    def cores_used(self) -> float | None:
        """CPU seconds per second of the timed windows: how many cores were at work."""
        used = [w.cpu_seconds for w in self.timed if w.cpu_seconds is not None]
        return sum(used) / self._seconds() if len(used) == len(self.timed) and used else None

    def busy_threads(self) -> int | None:
        found = [w.busy_threads for w in self.timed if w.busy_threads is not None]
        return round(median(found)) if found else None

    def steal_share(self) -> float | None:
        """CPU seconds per second that the hypervisor withheld from the machine."""
        found = [w.steal_seconds for w in self.timed if w.steal_seconds is not None]
        return sum(found) / self._seconds() if found else None

    def switches_per_second(self) -> float | None:
        """Involuntary context switches: how often others took a core away."""
        found = [w.involuntary_switches for w in self.timed if w.involuntary_switches is not None]
        return sum(found) / self._seconds() if found else None

    def mhz(self) -> float | None:
        found = [w.mhz for w in self.timed if w.mhz is not None]
        return fmean(found) if found else None

    def product_flops_per_second(self) -> float | None:
        """Of the framework's own matrix product."""
        found = [r.flops_per_second for r in self.multiplied if r.flops_per_second]
        return max(found, default=None)

    def joules_per_step(self) -> float | None:
        found = [w.joules for w in self.timed]
        steps = sum(w.timed_steps for w in self.timed)
        known = [joules for joules in found if joules is not None]
        return math.fsum(known) / steps if known and len(known) == len(found) else None

    def harness_share(self) -> float | None:
        """Of the timed seconds, those that were spent outside the adapter."""
        found = [w.harness_seconds for w in self.timed if w.harness_seconds is not None]
        return sum(found) / self._seconds() if found else None

    def _seconds(self) -> float:
        return sum(w.seconds for w in self.timed)
