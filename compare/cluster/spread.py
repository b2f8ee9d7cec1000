"""Spreading the points of a sweep over the stages of an engine.

A free stage gets the next point, and what comes back is put into the sweep's folder. A point whose
machine is lost is played again on another, and a machine that lost one, or could not play it, gets
no other. Each attempt is recorded in the sweep's manifest.
"""

import signal
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from compare.archive.stored import summarise_anew
from compare.cluster.contract import Engine, Job, Played, Stage, StageLost
from compare.cluster.packing import packed, unpack
from compare.errors import UserError, one_line
from compare.records.place import require_room
from compare.records.reading import read
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import Attempt, Outcome, SweepFolder
from compare.running.progress import EVERY, Silent
from compare.running.resumption import require_version
from compare.swept.finished import state_of
from compare.swept.standing import Playing, Standing

ATTEMPTS = 3
"""Of a point, the first one included"""

_PATIENCE = 60.0  # seconds for what is interrupted to come back
_COULD_NOT = 2  # exit code of `compare point` where it played nothing


@dataclass
class _Going:
    """A point that is being played; `alone` keeps every other process from doing so."""

    number: int
    stage: Stage
    attempt: Attempt
    alone: ExitStack


@contextmanager
def machines(engine: Engine, address: str, progress: Silent) -> Iterator[list[Stage]]:
    """The stages of an engine that can be used, held meanwhile; raises UserError where there is
    none."""
    progress.begin("looking for machines")
    try:
        stages = engine.stages(address)
        usable = [stage for stage in stages if not stage.problem]
        if not usable:
            whys = "; ".join(f"{stage.name}: {stage.problem}" for stage in stages)
            raise UserError(f"--cluster {engine.name}: no machine can be used: {whys}")
        for stage in stages:
            if stage.problem:
                progress.tell(f"{stage.name} is left out: {stage.problem}")
        yield usable
    finally:
        engine.close()


def spread(folder: SweepFolder, engine: Engine, stages: list[Stage], progress: Silent) -> bool:
    """Play every point that is not finished on these stages; whether Ctrl-C cut it short."""
    require_version(folder.path, folder.sweep().suite_version)
    return _Spread(folder, engine, stages, progress).play()


class _Spread:
    def __init__(
        self, folder: SweepFolder, engine: Engine, stages: list[Stage], progress: Silent
    ) -> None:
        self.folder, self.engine, self.progress = folder, engine, progress
        self.sweep = folder.sweep()
        self.free = deque(stages)
        self.going: dict[Future[Played], _Going] = {}
        self.tries = Counter[int]()
        self.standing = Standing(len(self.sweep.points))
        self.stopping = False
        self.waiting = deque(self._left())

    def play(self) -> bool:
        try:
            while self.going or (self.waiting and self.free):
                while self.waiting and self.free:
                    self._begin(self.waiting.popleft(), self.free.popleft())
                self._show()
                self._wait(EVERY)
        except KeyboardInterrupt:
            self._interrupt()
            return True
        except BaseException:
            self._interrupt()  # what the other machines measured is not lost
            raise
        finally:
            for one in self.going.values():
                one.alone.close()
        return False

    def _left(self) -> list[int]:
        """The numbers of the points that are not finished, whichever machine played them."""
        left = []
        for number, point in enumerate(self.sweep.points, 1):
            run = self.folder.run_folder(point)
            if run.exists() and state_of(read(run).records) == "done":
                self.standing.done += 1
            else:
                left.append(number)
        return left

    def _begin(self, number: int, stage: Stage) -> None:
        point = self.sweep.points[number - 1]
        run = self.folder.run_folder(point).make()
        alone = ExitStack()
        try:
            alone.enter_context(run.alone())
        except UserError as error:  # another process plays it
            self.progress.tell(f"{point.name} is left to others: {error}")
            self.free.append(stage)
            return
        run.mend()
        attempt = Attempt(point=point.name, stage=stage.name, started=datetime.now(UTC))
        going = _Going(number, stage, attempt, alone)
        self.tries[number] += 1
        alone_in_it = self.sweep.model_copy(update={"points": [point], "attempts": []})
        manifest = alone_in_it.model_dump_json().encode()
        job = Job(self.sweep.run_id, manifest, point.name, packed(run.path))
        self.going[self.engine.play(stage, job)] = going
        self._record()

    def _wait(self, seconds: float) -> None:
        done, _ = wait(self.going, seconds, FIRST_COMPLETED)
        for future in done:
            self._settle(future)

    def _settle(self, future: "Future[Played]") -> None:
        going = self.going[future]
        try:
            played = future.result()
        except StageLost as lost:
            self._again(future, "lost", str(lost))
            return
        except Exception as error:  # a disk that is full there, what does not travel
            self._again(future, "failed", one_line(error))
            return
        try:
            self._gather(self.folder.run_folder(self.sweep.points[going.number - 1]), played)
        except Exception as error:
            self._end(future, "failed", one_line(error))
            raise
        said = played.said.removeprefix("compare: ")
        if played.code == _COULD_NOT:
            self._again(future, "failed", said)
        elif _is_killed(played.code) and not self.stopping:
            self._again(future, "lost", said or f"it was killed there: {_signal(played.code)}")
        else:
            outcome: Outcome = "failed" if played.code else "done"
            self._end(future, "interrupted" if _is_killed(played.code) else outcome, said)
            self.free.append(going.stage)

    def _gather(self, run: RunFolder, played: Played) -> None:
        if played.folder:
            require_room(run.path, len(played.folder))
            unpack(played.folder, run.path)
            summarise_anew(run)

    def _again(self, future: "Future[Played]", outcome: Outcome, why: str) -> None:
        """Elsewhere: the stage gets no other point."""
        number = self.going[future].number
        if self.tries[number] < ATTEMPTS:
            self.waiting.appendleft(number)
        self._end(future, outcome, why)

    def _end(self, future: "Future[Played]", outcome: Outcome, why: str) -> None:
        going = self.going.pop(future)
        going.alone.close()
        ended = {"ended": datetime.now(UTC), "outcome": outcome, "why": why}
        going.attempt = going.attempt.model_copy(update=ended)
        self.sweep.attempts.append(going.attempt)
        self._record()
        point = going.attempt.point
        if why:
            self.progress.tell(f"{point} on {going.stage.name} {outcome}: {' '.join(why.split())}")
        if outcome == "done":
            self.standing.done += 1
            took = datetime.now(UTC) - going.attempt.started
            self.standing.seconds.append(took.total_seconds())
        elif going.number not in self.waiting:
            self.standing.failed.append(point)

    def _record(self) -> None:
        """Write down every attempt, also those that are not over."""
        playing = [going.attempt for going in self.going.values()]
        attempts = [*self.sweep.attempts, *playing]
        self.folder.write(self.sweep.model_copy(update={"attempts": attempts}))

    def _show(self) -> None:
        self.standing.playing = [
            Playing(one.attempt.point, one.stage.name) for one in self.going.values()
        ]
        self.progress.stand(self.standing)

    def _interrupt(self) -> None:
        """Stop everything, and take what was measured so far."""
        self.stopping = True
        self.engine.stop()
        finished, late = wait(self.going, _PATIENCE)
        for future in finished:
            self.waiting.clear()
            with suppress(UserError):  # of a disk that is full, told once
                self._settle(future)
        for future in late:
            self._end(future, "interrupted", f"no answer within {_PATIENCE:g} s")


def _is_killed(code: int) -> bool:
    """By a signal, which is what those of `compare` end with, and a process that no handler has."""
    return code < 0 or code > 128


def _signal(code: int) -> str:
    return signal.Signals(-code if code < 0 else code - 128).name
