"""Plays the cells of a plan in lockstep and writes down what happens.

Window by window, in shuffled order, every worker trains the same batches while the others
rest. A worker that fails is dropped and the others play on.
"""

import json
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import Any, Protocol

from compare.contracts import Device
from compare.data import write_inputs
from compare.evaluation import Evaluator
from compare.meters import machine
from compare.plan import Plan
from compare.player import CellEnded, Player
from compare.results import (
    Built,
    CellName,
    Ended,
    Header,
    Opened,
    Record,
    Role,
    RunFolder,
    Window,
)

WINDOW_SECONDS = 1.0
"""A window lasts at least this long in the fastest cell, where there are steps enough."""
LEAST_WINDOWS = 5
_COMPILING_STEPS = 3  # after the first one: batches of up to four widths are compiled for
_WARMUP_STEPS = _COMPILING_STEPS + 3
_HELLO_SECONDS = 60.0


class Watcher(Protocol):
    """Sees every record as it is written; the live display is one."""

    def see(self, record: Record) -> None: ...

    def decoding(self, cell: CellName, done: int, batches: int) -> None: ...


class Conductor:
    def __init__(self, plan: Plan, folder: RunFolder, watcher: Watcher) -> None:
        self.plan = plan
        self.folder = folder
        self.watcher = watcher
        self.random = random.Random(plan.experiment.train.seed)
        self.adapters = {choice.cell: choice.adapter for choice in plan.choices}
        self.players: dict[CellName, Player] = {}
        self.devices: dict[CellName, list[Device]] = {}
        self.startup: dict[CellName, float] = {}  # seconds until a cell could train
        self.window_steps = 0
        self.evaluator = Evaluator(plan, folder, watcher.decoding)

    def run(self) -> None:
        """Play every round. On Ctrl-C the workers are ended and KeyboardInterrupt goes on."""
        plan = self.plan
        self._write(self._header())
        write_inputs(self.folder.inputs, plan.experiment, plan.weights, plan.prepared.arrays)
        failed = False
        for number in range(1, plan.run.rounds + 1):
            failed |= self._play(number)
        if not failed:
            shutil.rmtree(self.folder.inputs)  # nothing to replay, and it can be made again

    def _header(self) -> Header:
        plan = self.plan
        return Header(
            run_id=self.folder.run_id,
            started=datetime.now(UTC),
            command=plan.command,
            preset=plan.preset,
            experiment=plan.experiment,
            fingerprint=plan.experiment.fingerprint(),
            run={**plan.run.model_dump(), "threads": plan.run.threads or machine.usable_cpus()},
            floor=plan.prepared.floor,
            ceilings=dict(plan.prepared.ceilings),
            metrics=list(plan.task.metrics),
            machine=machine.describe(),
            environment=machine.relevant_environment(),
            cells=plan.cells,
            oracles=[choice.cell for choice in plan.choices if choice.oracle],
        )

    def _play(self, number: int) -> bool:
        """One round: fresh processes, the whole training. Whether any cell failed."""
        self.round, self.failed = number, False
        self.startup = dict.fromkeys(self.plan.cells, 0.0)
        try:
            for cell in self.plan.cells:
                self._attempt(cell, self._open)
            self._each(self._build)
            self._each(self._train, "first", 0, 0, 1, 0)
            compared = self.plan.experiment.losses_are_comparable()
            if number == 1 and len(self.players) > 1 and compared:
                self._start_echo()
            self._train_on()
            self._each(self._finish)
            for cell, player in list(self.players.items()):
                player.stop()
                self._write(Ended(cell=cell, round=number, status="ok"))
                del self.players[cell]
        finally:
            for cell, player in self.players.items():  # only on the way out of an interrupt
                player.kill()
                self._write(Ended(cell=cell, round=number, status="interrupted"))
            self.players = {}
        return self.failed

    def _train_on(self) -> None:
        """Everything after the first step: warm-up, then steady windows of one size."""
        steps = self.plan.experiment.train.steps
        at = min(steps, 1 + _WARMUP_STEPS)
        if at == 1 or not self.players:
            return
        paces = self._each(self._train, "warmup", 0, 1, at, min(_COMPILING_STEPS, at - 2))
        if not self.window_steps:
            self.window_steps = window_steps(paces, steps - at)
        odd = (steps - at) % self.window_steps if self.window_steps else steps - at
        if odd:  # steady windows are all of one size, so what does not fit comes before them
            self._each(self._train, "warmup", 1, at, at + odd, min(1, odd - 1))
        self._look_for_the_target(0, at + odd)
        for index, first in enumerate(range(at + odd, steps, self.window_steps or 1)):
            self._each(self._train, "steady", index, first, first + self.window_steps, 1)
            self._look_for_the_target(first, first + self.window_steps)

    def _look_for_the_target(self, before: int, step: int) -> None:
        if self.evaluator.due(before, step):
            self._each(self._look, step)

    def _start_echo(self) -> None:
        """One more process: the cell that is quickest to start, from perturbed weights."""
        quickest = min(self.players, key=lambda cell: self.startup[cell])
        echo = quickest.model_copy(update={"echo": True})
        self.adapters[echo], self.startup[echo] = self.adapters[quickest], 0.0
        self._attempt(echo, self._open)
        self._attempt(echo, self._build)
        self._attempt(echo, self._train, "first", 0, 0, 1, 0)

    def _each(self, act: Callable[..., float], *arguments: Any) -> list[float]:
        """Do one thing in every cell that is still there, in shuffled order."""
        order = list(self.players)
        self.random.shuffle(order)
        done = [self._attempt(cell, act, *arguments) for cell in order]
        return [value for value in done if value is not None]

    def _attempt(self, cell: CellName, act: Callable[..., float], *arguments: Any) -> float | None:
        if act != self._open and cell not in self.players:
            return None
        try:
            return act(cell, *arguments)
        except CellEnded as end:
            player = self.players.pop(cell, None)
            tail = ""
            if player is not None:
                player.stop()
                tail = player.log_tail()
            self.failed |= end.status == "failed"
            self._write(
                Ended(
                    cell=cell, round=self.round, status=end.status, reason=end.reason,
                    log_tail=tail if end.status == "failed" else "",
                )
            )  # fmt: skip
            return None

    def _open(self, cell: CellName) -> float:
        adapter = self.adapters[cell]
        log = self.folder.log(cell, self.round)
        python = self.plan.pythons.get(adapter)
        player = self.players[cell] = Player(adapter, python, self.folder.inputs, log)
        player.ask("hello", _HELLO_SECONDS)
        answer = self._ask(cell, "open", mode=cell.mode, threads=self.plan.run.threads)
        self.devices[cell] = [Device(**device) for device in answer.pop("devices")]
        labels = [device.label for device in self.devices[cell]]
        self._write(Opened(cell=cell, round=self.round, devices=labels, **answer))
        return 0.0

    def _build(self, cell: CellName) -> float:
        others = [self.devices[other] for other in self.players]
        device = choose_device(self.plan.run.device, self.devices[cell], others)
        answer = self._ask(cell, "build", device=vars(device), perturb=cell.echo)
        self._write(Built(cell=cell, round=self.round, device=device.label, **answer))
        return 0.0

    def _train(
        self, cell: CellName, role: Role, index: int, first: int, last: int, untimed: int
    ) -> float:
        answer = self._ask(cell, "train", first=first, last=last, untimed=untimed)
        window = Window(
            cell=cell, round=self.round, role=role, index=index, first_step=first, **answer
        )
        self._write(window)
        return window.seconds / max(1, window.timed_steps)

    def _look(self, cell: CellName, step: int) -> float:
        if not cell.echo:
            ask = partial(self._ask, cell)
            self._write(self.evaluator.look(cell, self.round, step, ask))
        return 0.0

    def _finish(self, cell: CellName) -> float:
        if not cell.echo:
            ask = partial(self._ask, cell)
            self._write(self.evaluator.finish(cell, self.round, ask))
            if self.plan.run.save_weights and self.round == 1:
                self._save_weights(cell)
        return 0.0

    def _save_weights(self, cell: CellName) -> None:
        path = self.folder.weights(cell)
        path.parent.mkdir(exist_ok=True)
        self._ask(cell, "save_weights", path=str(path.resolve()))
        tokenizer = self.plan.prepared.tokenizer
        if tokenizer is not None:
            text = json.dumps(tokenizer.to_json(), ensure_ascii=False)
            self.folder.tokenizer.write_text(text, encoding="utf-8")

    def _ask(self, cell: CellName, do: str, **arguments: Any) -> dict[str, Any]:
        began = time.monotonic()
        answer = self.players[cell].ask(do, self.plan.run.timeout, **arguments)
        self.startup[cell] += time.monotonic() - began
        return answer

    def _write(self, record: Record) -> None:
        self.folder.append(record)
        self.watcher.see(record)


def window_steps(paces: list[float], steps: int) -> int:
    """Steps per window, the untimed one included, for cells of these seconds per step.

    As many as last WINDOW_SECONDS in the fastest cell; fewer where `steps` would not give
    LEAST_WINDOWS of them; 0 where there is no room for a window at all.
    """
    if steps < 2 or not paces:
        return 0
    wanted = 1 + ceil(WINDOW_SECONDS / max(min(paces), 1e-9))
    return max(2, min(wanted, steps // LEAST_WINDOWS))


def choose_device(asked: str, own: list[Device], everyone: list[list[Device]]) -> Device:
    """The device for one cell; `auto` is the best kind that all cells have.

    Raises CellEnded("skipped") where the cell has no such device.
    """
    if asked == "auto":
        common = set.intersection(*({device.kind for device in some} for some in everyone))
        asked = next((kind for kind in ("cuda", "mps", "cpu") if kind in common), "cpu")
    kind, _, index = asked.partition(":")
    for device in own:
        if device.kind == kind and device.index == int(index or 0):
            return device
    seen = ", ".join(device.label for device in own)
    raise CellEnded("skipped", f"no device {asked}: its framework sees {seen or 'none'}")
