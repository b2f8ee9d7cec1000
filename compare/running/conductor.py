"""Plays the cells of a plan in lockstep and writes down what happens.

Window by window, in balanced turns, every worker trains the same batches while the others
rest. How long that goes on is told by the steps, by a precision or by a budget, never by which
result has come out; only the echo is trained again where the parity gate is in doubt.
"""

import random
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Protocol

from compare.findings import contention
from compare.findings.window_thresholds import SHORT_SECONDS, WINDOW_SECONDS
from compare.meters import machine, roofline
from compare.meters.processes import busy_processes
from compare.planning.devices import settled
from compare.planning.plan import Plan
from compare.records.record_types import (
    AnyRecord,
    Built,
    Ended,
    Header,
    KeptRound,
    Probed,
    Resumed,
    Role,
    SpeedCheck,
    Window,
    header_of,
)
from compare.records.run_folder import RunFolder
from compare.records.values import BusyProcess, CellName, Record
from compare.running import echo
from compare.running.resumption import last_round, missing_rounds, skipped_among
from compare.running.round import Round
from compare.running.stopping import Stopping, counting
from compare.running.validation import Evaluator
from compare.running.window_size import window_steps
from compare.spec.inputs import write_inputs
from compare.version import VERSION, commit

_COMPILING_STEPS = 3  # after the first one: batches of up to four widths are compiled for
_WARMUP_STEPS = _COMPILING_STEPS + 3


class Watcher(Protocol):
    """Sees every record as it is written; the live display is one."""

    def see(self, record: Record) -> None: ...

    def decoding(self, cell: CellName, done: int, batches: int) -> None: ...

    def waiting(self, cpus: float) -> None: ...

    def reached(self, precision: float) -> None: ...


class Conductor:
    def __init__(self, plan: Plan, folder: RunFolder, watcher: Watcher) -> None:
        self.plan, self.folder, self.watcher = plan, folder, watcher
        self.random = random.Random(plan.experiment.train.seed)
        self.stopping = Stopping(plan, watcher.waiting, watcher.reached)
        self.by_rounds = self.stopping.by_rounds
        self.device = plan.run.device
        self.window_steps = 0
        self.short = False  # whether windows of the training are too short to be timed
        self.windows: dict[CellName, list[Window]] = {}
        self.evaluator = Evaluator(plan, folder, watcher.decoding)

    def run(self) -> None:
        """Play every round. On Ctrl-C the workers are ended and KeyboardInterrupt goes on."""
        self._write(self._header())
        self._probe()
        self._play_all(dict.fromkeys(self.plan.cells, self.plan.run.rounds), 1, needs_echo=True)

    def resume(self, records: Sequence[AnyRecord], kept: list[KeptRound]) -> None:
        """Play what is missing: of each cell the rounds that are not among the `kept` ones."""
        self.watcher.see(header_of(records))
        kept_cells = {(one.cell, one.round) for one in kept}
        if self.by_rounds:  # what is kept counts toward the precision
            for record in records:
                if isinstance(record, Window) and (record.cell, record.round) in kept_cells:
                    self.windows.setdefault(record.cell, []).append(record)
        built = [r for r in records if isinstance(r, Built) and (r.cell, r.round) in kept_cells]
        self.device = built[0].device if built else self.device
        self._write(
            Resumed(
                started=datetime.now(UTC),
                command=self.plan.command,
                machine=machine.describe(),
                environment=machine.relevant_environment(),
                kept=kept,
            )
        )
        self._probe()
        needed = missing_rounds(self.plan, kept, skipped_among(records))
        needs_echo = not any(one.cell.echo for one in kept)
        self._play_all(needed, last_round(records) + 1, needs_echo)

    def _header(self) -> Header:
        plan = self.plan
        return Header(
            suite_version=VERSION,
            commit=commit(),
            run_id=self.folder.run_id,
            started=datetime.now(UTC),
            command=plan.command,
            preset=plan.preset,
            experiment=plan.experiment,
            fingerprint=plan.experiment.fingerprint(),
            run=plan.run_settings(),
            floor=plan.prepared.floor,
            ceilings=dict(plan.prepared.ceilings),
            best_learner=dict(plan.prepared.best_learner),
            metrics=list(plan.task.metrics),
            machine=machine.describe(),
            environment=machine.relevant_environment(),
            cells=plan.cells,
            oracles=[choice.cell for choice in plan.choices if choice.oracle],
            request=plan.request,
            busy=[
                BusyProcess(name=one.name, cpus=round(one.cpus, 3), is_worker=one.is_worker)
                for one in busy_processes()
            ],
            examples=self.evaluator.examples(),
        )

    def _play_all(self, needed: Mapping[CellName, int], first: int, needs_echo: bool) -> None:
        """Rounds from number `first` on, each with the cells that need one more."""
        plan, failed = self.plan, False
        rounds = max(needed.values(), default=0)
        self.stopping.begin()
        shutil.rmtree(self.folder.inputs, ignore_errors=True)  # a crash may have left half of them
        write_inputs(self.folder.inputs, plan.experiment, plan.weights, plan.prepared.arrays)
        number, still = first, dict(needed)
        while cells := [cell for cell in plan.cells if still[cell] > 0]:
            share = (number - first + 1) / rounds  # of the budget, until the end of this round
            self.stopping.grant(share)
            failed |= self._play(number, cells, number == first, needs_echo)
            self.stopping.look(self.windows)
            still = {c: count - 1 if c in self.windows else 0 for c, count in still.items()}
            number += 1
        self.stopping.grant(1.0)
        while self._can_add_a_round() and self.stopping.wants_more(self.windows):
            if not self.stopping.wait_for_quiet():
                break
            cells = [cell for cell in plan.cells if cell in self.windows]
            failed |= self._play(number, cells, first=False, needs_echo=False)
            number += 1
        if not failed:
            shutil.rmtree(self.folder.inputs)  # nothing to replay, and it can be made again

    def _can_add_a_round(self) -> bool:
        """Whether rounds are what counts, and a cell is left that can be timed."""
        timed = any(w.is_timed for cell in self.plan.cells for w in self.windows.get(cell, ()))
        return self.by_rounds and timed

    def _play(self, number: int, cells: list[CellName], first: bool, needs_echo: bool) -> bool:
        """One round: fresh processes, in the first one the whole training, in the others as much
        of it as a few windows take. Whether any cell failed."""
        played = Round(
            self.plan, self.folder, number, first, self.evaluator, self.random, self._write
        )
        self.stopping.wait_for_quiet()
        self.stopping.round_begins()
        self._check_speed(number)
        try:
            played.open_all(cells)
            everyone = [played.devices[cell] for cell in played.workers]
            self.device = played.device = settled(self.device, everyone)  # for all rounds alike
            if not first:
                played.get_ready_together()
            played.each(played.build)
            played.each(played.train, "first", 0, 0, 1, 0)
            compared = self.plan.experiment.losses_are_comparable()
            if (
                first
                and needs_echo
                and compared
                and len(self.plan.cells) > 1
                and any(cell.is_row for cell in played.workers)
            ):
                echo.start(played)
            at, missing = self._train_on(played)
            echo.go_on(played, self.windows)
            if first:
                played.each(played.finish)
            self._measure_on(played, at, missing)
            played.close_all()
        finally:
            played.interrupt()  # whatever is left on the way out
        self._check_speed(number)
        return played.failed

    def _train_on(self, played: Round) -> tuple[int, int]:
        """Everything after the first step: warm-up, then steady windows of one size. The step at
        which these begin, and how many the training was too short for."""
        steps = self.plan.experiment.train.steps
        at = min(steps, 1 + _WARMUP_STEPS)
        if at == 1 or not played.workers:
            return steps, 0
        paces = played.each(played.train, "warmup", 0, 1, at, min(_COMPILING_STEPS, at - 2))
        if not self.window_steps:
            self.window_steps = window_steps(paces, steps - at)
        at = self._warm_up(played, at)
        # Where there are long windows to come, short ones would only widen the intervals.
        self.short = self.window_steps * min(paces, default=0.0) < SHORT_SECONDS
        role: Role = "warmup" if self.short and self._goes_on() else "steady"
        size = self.window_steps or 1
        firsts = range(at, steps - size + 1, size)  # whole ones alone
        wanted = len(firsts) if played.first else self.stopping.windows_of_a_round(self.windows)
        for index, first in enumerate(firsts[:wanted]):
            if index and not played.first and self.stopping.is_spent():
                break
            played.each(played.train, role, index, first, first + self.window_steps, 1)
            self._look_for_the_target(played, first, first + self.window_steps)
        return at, max(0, wanted - len(firsts))

    def _warm_up(self, played: Round, at: int) -> int:
        """What comes before steady windows, from step `at` on. The step at which these begin.

        In the first round that is a window, if there is room for another: a step that is given out
        before the one before has ended takes memory of its own, and the first time that so many
        are, it is new to the process. Further rounds begin sooner, as a start costs them more than
        a window does: one in which memory grew does not count.
        """
        steps, size = self.plan.experiment.train.steps, self.window_steps
        if size and not played.first:  # others do not train to the end
            return at
        count = (steps - at) % size if size else steps - at  # steady windows are all of one size
        if size and steps - at - count >= 2 * size:
            count += size
        if count:
            played.each(played.train, "warmup", 1, at, at + count, min(1, count - 1))
        self._look_for_the_target(played, 0, at + count)
        return at + count

    def _goes_on(self) -> bool:
        """Whether windows go on after the training: where rounds are what counts, only for want of
        windows that are long enough."""
        return self.plan.run.measuring_seconds > 0 and (self.short or not self.by_rounds)

    def _measure_on(self, played: Round, at: int, missing: int) -> None:
        """Windows beyond the training, on the batches of its steady ones over again: in each cell
        of as many steps as last WINDOW_SECONDS there. One at least, where none was timed yet; more
        for those that a round is `missing`, and that do not count, since memory grew."""
        steps, size, beyond = self.plan.experiment.train.steps, self.window_steps, self._goes_on()
        if not size or not (beyond or missing or played.grown):
            return
        for cell in [cell for cell in played.workers if cell.echo]:
            played.attempt(cell, played.close)
        index = windows = (steps - at) // size
        here = played.number, played.workers
        timed = any(counting(self.windows, *here))
        last = index + (self.stopping.windows_of_a_round(self.windows) if beyond else missing)
        while played.workers and (
            not timed or self.stopping.wants_more(self.windows)
            if beyond and not self.by_rounds
            else (index < last and not (timed and self.stopping.is_spent()))
            or self.stopping.plays_again(index - last, played.grown, self.windows, *here)
        ):
            first = at + index % windows * size
            if self._was_contended(played) and not self.stopping.wait_for_quiet() and timed:
                break  # the budget went by while it waited
            played.each(self._beyond, played, index, first)
            index, timed = index + 1, True

    def _beyond(self, cell: CellName, played: Round, index: int, first: int) -> float:
        last = self.windows[cell][-1]
        pace = last.seconds / max(1, last.timed_steps)
        least = WINDOW_SECONDS if self._goes_on() else 0.0  # played again, it is like the others
        repeats = max(1, ceil(least / max(1e-9, (self.window_steps - 1) * pace)))
        end = first + self.window_steps
        return played.train(cell, "beyond", index, first, end, 1, repeats)

    def _was_contended(self, played: Round) -> bool:
        """Whether others took the CPUs in the last window of any cell."""
        return any(contention.is_contended(self.windows[cell][-1]) for cell in played.workers)

    def _look_for_the_target(self, played: Round, before: int, step: int) -> None:
        if played.first and self.evaluator.due(before, step):
            played.each(played.look, step)

    def _probe(self) -> None:
        """Once per run: what the machine could do at best."""
        if not self.plan.run.roofline:
            return
        found, problem = roofline.probe(self.plan.threads)
        self._write(
            Probed(
                flops_per_second=found.flops_per_second if found else None,
                bytes_per_second=found.bytes_per_second if found else None,
                problem=problem,
                narrowed_by=list(found.narrowed_by) if found else [],
            )
        )

    def _check_speed(self, number: int) -> None:
        self._write(SpeedCheck(round=number, seconds=roofline.speed_check()))

    def _write(self, record: Record) -> None:
        if isinstance(record, Window):
            self.windows.setdefault(record.cell, []).append(record)
        if isinstance(record, Ended) and record.status != "ok":
            self.windows.pop(record.cell, None)
        self.folder.append(record)
        self.watcher.see(record)
