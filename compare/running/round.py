"""One round: a fresh process for each cell, and what can be done with all of them in lockstep.

A cell that fails is dropped, and the others play on.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from compare.contracts.backend import Device
from compare.errors import writing
from compare.findings.window_thresholds import GROWTH_BYTES, MOST_GROWN
from compare.limits import HELLO_SECONDS
from compare.meters.contention import cpu_seconds_of
from compare.planning.devices import choose_device
from compare.planning.plan import Plan
from compare.ranks.processes import Player, start
from compare.records.record_types import (
    Built,
    Echoed,
    Ended,
    Multiplied,
    Opened,
    Planned,
    Role,
    Window,
)
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, DeviceInfo, Record
from compare.running.turns import turns
from compare.running.validation import Evaluator
from compare.worker.process import HELLO, CellEnded

_RESTING_SECONDS = 0.02  # of a worker that rests: what its runtime's own threads look after


class Round:
    """The workers of one round. `write` takes each record as it comes; in the `first` round of
    what is played, outputs, weights and the compilers' plans are kept."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        number: int,
        first: bool,
        evaluator: Evaluator,
        shuffler: random.Random,
        write: Callable[[Record], None],
    ) -> None:
        self.plan, self.folder, self.number = plan, folder, number
        self.first = first
        self.evaluator, self.shuffler, self.write = evaluator, shuffler, write
        self.choices = {choice.cell: choice for choice in plan.choices}
        self.workers: dict[CellName, Player] = {}
        self.devices: dict[CellName, list[Device]] = {}
        self.device = "auto"  # until it is settled what all compute on
        self.built: dict[CellName, Device] = {}
        self.startup: dict[CellName, float] = {}  # seconds until a cell could train
        self.grown = Counter[CellName]()  # windows that do not count since memory grew
        self.peaks: dict[CellName, int] = {}  # bytes, of a process's whole life
        self.echoed: list[list[float]] = []  # curves of the echo's further trainings
        self._told: set[tuple[CellName, str]] = set()  # what a worker is at already
        self._cells: list[CellName] = []
        self._turns: Iterator[list[int]] | None = None
        self.failed = False

    def each(self, act: Callable[..., float], *arguments: Any) -> list[float]:
        """Do one thing in every cell that is still there, in balanced turns."""
        there = list(self.workers)
        if not there:
            return []
        if self._turns is None or self._cells != there:  # a cell has ended, or the echo has come
            self._cells, self._turns = there, turns(len(there), self.shuffler)
        order = [there[place] for place in next(self._turns)]
        done = [self.attempt(cell, act, *arguments) for cell in order]
        return [value for value in done if value is not None]

    def attempt(self, cell: CellName, act: Callable[..., float], *arguments: Any) -> float | None:
        """Do one thing in one cell; None, and the cell has ended, where it could not."""
        if act != self.start and cell not in self.workers:
            return None
        try:
            return act(cell, *arguments)
        except CellEnded as end:
            worker = self.workers.pop(cell, None)
            tail, reason = "", end.reason
            if worker is not None:
                worker.stop()
                tail = worker.log_tail()
                if worker.ran_out_of_memory and self.workers:
                    others = ", ".join(other.label for other in self.workers)
                    alone = f"--backend {self.choices[cell.its_row()].adapter}:{cell.mode}"
                    alone += f" --ranks {cell.ranks}" if cell.ranks > 1 else ""
                    reason += f"; in memory beside it: {others}; it may fit with {alone}"
            self.failed |= end.status == "failed"
            self.write(
                Ended(
                    cell=cell, round=self.number, status=end.status, reason=reason,
                    log_tail=tail if end.status == "failed" else "",
                )
            )  # fmt: skip
            return None

    def open_all(self, cells: Sequence[CellName]) -> None:
        """Start the workers: in the first round one after the other, as how long an import takes
        is told; in the others together, since they wait for files and use one CPU each."""
        there = [one for cell in cells for one in (cell, *self._repeating(cell))]
        for together in [[cell] for cell in there] if self.first else [there]:
            for act in (self.start, self.open):
                for cell in together:
                    self.attempt(cell, act)

    def _repeating(self, cell: CellName) -> list[CellName]:
        """What is played beside a cell to tell what its speed is made of."""
        if not self.plan.run.control:
            return []
        return [cell.its_control(), *([cell.its_silent()] if cell.ranks > 1 else [])]

    def start(self, cell: CellName) -> float:
        """Start a worker and tell it to import its framework."""
        choice = self.choices[cell.its_row()]
        self.startup[cell] = 0.0
        log = self.folder.log(cell, self.number)
        how = choice.adapter, choice.python, self.folder.inputs, log
        worker = start(cell.ranks, self.plan.run.timeout, *how, silent=cell.silent)
        self.workers[cell] = worker
        worker.tell(HELLO)
        worker.tell("open", mode=cell.mode, threads=self.plan.threads)
        return 0.0

    def open(self, cell: CellName) -> float:
        """Wait until a worker that was started has imported its framework."""
        worker, began = self.workers[cell], time.monotonic()
        worker.answer(HELLO, HELLO_SECONDS)
        answer = worker.answer("open", self.plan.run.timeout)
        self.startup[cell] += time.monotonic() - began
        self.devices[cell] = [Device(**device) for device in answer.pop("devices")]
        seen = [
            DeviceInfo(label=d.label, name=d.name, memory_bytes=d.memory_bytes, driver=d.driver)
            for d in self.devices[cell]
        ]
        labels = [device.label for device in seen]
        self.write(
            Opened(cell=cell, round=self.number, devices=labels, device_infos=seen, **answer)
        )
        return 0.0

    def get_ready_together(self) -> None:
        """Tell all cells to build and to take the first step, whose answers come one by one.

        How long each takes by itself is told of the first round. On a GPU each stays by itself:
        there compilers choose among kernels by how fast they are.
        """
        for cell in list(self.workers):
            self.attempt(cell, self._tell_ahead)

    def _tell_ahead(self, cell: CellName) -> float:
        device = choose_device(self.device, self.devices[cell], [])
        if device.kind == "cpu":
            worker = self.workers[cell]
            worker.tell("build", device=vars(device), perturb=cell.echo)
            worker.tell("train", first=0, last=1, untimed=0, repeats=1)
            self._told |= {(cell, "build"), (cell, "train")}
        return 0.0

    def build(self, cell: CellName) -> float:
        device = choose_device(self.device, self.devices[cell], [])
        self.built[cell] = device
        answer = self._ask(cell, "build", device=vars(device), perturb=cell.echo)
        self.write(Built(cell=cell, round=self.number, device=device.label, **answer))
        return 0.0

    def train(
        self,
        cell: CellName,
        role: Role,
        index: int,
        first: int,
        last: int,
        untimed: int,
        repeats: int = 1,
    ) -> float:
        """One window; seconds per step of its timed ones."""
        before, resting = time.process_time(), self._cpu_of_others(cell)
        answer = self._ask(cell, "train", first=first, last=last, untimed=untimed, repeats=repeats)
        used = time.process_time() - before
        rested = {
            label: seconds - resting[label]
            for label, seconds in self._cpu_of_others(cell).items()
            if seconds - resting[label] > _RESTING_SECONDS
        }
        if role == "beyond":
            answer["losses"] = []
        window = Window(
            cell=cell, round=self.number, role=role, index=index, first_step=first,
            conductor_cpu_seconds=used, resting_cpu_seconds=rested, **answer,
        )  # fmt: skip
        grew = window.is_timed and (window.grown_bytes or 0) > GROWTH_BYTES
        if grew and self.grown[cell] < MOST_GROWN:
            self.grown[cell] += 1
            window = window.model_copy(update={"grew": True})
        self.write(window)
        return window.seconds / max(1, window.timed_steps)

    def _cpu_of_others(self, cell: CellName) -> dict[str, float]:
        """CPU seconds that the workers of all other cells have used so far, by label."""
        return {
            other.label: sum(map(cpu_seconds_of, worker.pids))
            for other, worker in self.workers.items()
            if other != cell
        }

    def echo_again(self, cell: CellName, draw: int, pieces: Sequence[tuple[int, int]]) -> float:
        """The echo's whole training once more, from other perturbations, steps piece by piece."""
        self._ask(cell, "perturb", draw=draw)
        losses = list[float]()
        for first, last in pieces:
            losses += self._ask(cell, "train", first=first, last=last, untimed=0)["losses"]
        self.echoed.append(losses)
        self.write(Echoed(cell=cell, round=self.number, losses=losses))
        return 0.0

    def look(self, cell: CellName, step: int) -> float:
        """Evaluate in the middle of training, for the target's sake."""
        if cell.is_row:
            ask = partial(self._ask, cell)
            self.write(self.evaluator.look(cell, self.number, step, ask))
        return 0.0

    def finish(self, cell: CellName) -> float:
        """All that comes after the last step, but for windows beyond it."""
        ask = partial(self._ask, cell)
        if cell.echo:
            self.write(self.evaluator.of_echo(cell, self.number, ask))
        if cell.is_row:
            self.write(self.evaluator.finish(cell, self.number, ask, keep=self.first))
        if self.plan.run.save_weights and self.first and (cell.is_row or cell.echo):
            self._save_weights(cell)
        return 0.0

    def close_all(self) -> None:
        """End every cell; frameworks take a second to clear up, so all of them at once."""
        for cell in list(self.workers):
            self.attempt(cell, self.sum_up)
        for worker in self.workers.values():
            worker.hang_up()
        for cell in list(self.workers):
            self.attempt(cell, self.end)

    def close(self, cell: CellName) -> float:
        """End a cell that has done all it had to do, before the others have."""
        self.sum_up(cell)
        return self.end(cell)

    def sum_up(self, cell: CellName) -> float:
        """What is known of a cell in the end."""
        if cell.is_row and self.first:
            self.write(Planned(cell=cell, round=self.number, **self._ask(cell, "plan")))
        self.peaks[cell] = self._ask(cell, "process_peak")["process_peak_bytes"]
        if cell.is_row and self.first and self.plan.run.roofline:
            rate = self._ask(cell, "multiply", device=vars(self.built[cell]))
            self.write(Multiplied(cell=cell, round=self.number, **rate))
        return 0.0

    def end(self, cell: CellName) -> float:
        self.workers.pop(cell).stop()
        peak = self.peaks[cell]
        self.write(Ended(cell=cell, round=self.number, status="ok", process_peak_bytes=peak))
        return 0.0

    def interrupt(self) -> None:
        """End whatever is still there, at once."""
        there, self.workers = self.workers, {}
        for worker in there.values():  # all of them first: a record may have no room on the disk
            worker.kill()
        for cell in there:
            self.write(Ended(cell=cell, round=self.number, status="interrupted"))

    def quickest_to_start(self) -> CellName:
        rows = [cell for cell in self.workers if cell.is_row]
        return min(rows, key=lambda cell: self.startup[cell])

    def _save_weights(self, cell: CellName) -> None:
        path = self.folder.weights(cell)
        path.parent.mkdir(exist_ok=True)
        self._ask(cell, "save_weights", path=str(path.resolve()))
        tokenizer = self.plan.prepared.tokenizer
        if tokenizer is not None:
            text = json.dumps(tokenizer.to_json(), ensure_ascii=False)
            with writing(self.folder.tokenizer):
                self.folder.tokenizer.write_text(text, encoding="utf-8")

    def _ask(self, cell: CellName, do: str, **arguments: Any) -> dict[str, Any]:
        began, worker, timeout = time.monotonic(), self.workers[cell], self.plan.run.timeout
        if (cell, do) in self._told:
            self._told.remove((cell, do))
            answer = worker.answer(do, timeout)
        else:
            answer = worker.ask(do, timeout, **arguments)
        self.startup[cell] += time.monotonic() - began
        return answer
