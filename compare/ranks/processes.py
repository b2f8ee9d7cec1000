"""The ranks of one cell, a worker process each, asked as if they were one."""

import selectors
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn, Protocol

from compare.limits import HELLO_SECONDS
from compare.ranks import answers
from compare.ranks.addresses import Place, free_addresses, is_taken, proxies
from compare.worker.channel import Message
from compare.worker.process import HELLO, CellEnded, WorkerProcess

_FIRST_ALONE = ("evaluate", "outputs", "generate", "plan", "multiply", "weight_norms")
"""What is asked of rank 0 for all of them: no rank talks to another then."""
_OF_EQUALS = ("evaluate", "save_weights")
"""Before these the ranks have to have the same weights."""
_ONE_OF = {
    "open": answers.opened,
    "build": answers.slowest,
    "train": answers.trained,
    "process_peak": answers.process_peaks,
}
_SECONDS_FOR_ITS_CAUSE = 0.3  # between the failure of one rank and what it does to another


class Player(Protocol):
    """Who plays a cell: one worker process, or the ranks of a group."""

    @property
    def pids(self) -> list[int]: ...

    @property
    def ran_out_of_memory(self) -> bool: ...

    def hello(self) -> Message: ...

    def ask(self, do: str, timeout: float, **arguments: Any) -> Message: ...

    def tell(self, do: str, **arguments: Any) -> None: ...

    def answer(self, do: str, timeout: float) -> Message: ...

    def hang_up(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def log_tail(self) -> str: ...


def start(
    ranks: int,
    timeout: float,
    adapter: str,
    python: str | None,
    inputs: Path,
    log: Path,
    silent: bool = False,
) -> Player:
    """Start what plays a cell of so many ranks, which in a `silent` one do not talk."""
    if ranks == 1:
        return WorkerProcess(adapter, python, inputs, log)
    return RankProcesses(ranks, timeout, adapter, python, inputs, log, silent)


class RankProcesses:
    """Worker processes of ranks that know of each other; `timeout` is the longest that an answer
    may take. The first failure of any rank ends all of them."""

    def __init__(
        self,
        size: int,
        timeout: float,
        adapter: str,
        python: str | None,
        inputs: Path | None,
        log: Path,
        silent: bool = False,
        places: Sequence[Place] = (),
    ) -> None:
        """All of them here, unless it is told in which `places`."""
        self._timeout, self._silent = timeout, silent
        self._places = places or [Place()] * size
        self._command = (adapter, python, inputs)
        self._log = log
        self.folders: list[Path] = []  # of what each rank was last asked to write
        self.losses: list[list[float]] = []  # of the last window, each rank's shares
        self._opening: dict[str, Any] = {}  # what all were told, until they have opened
        self._start()

    def _start(self) -> None:
        self._addresses = free_addresses(self._places)
        self._failed = 0  # the rank that speaks in the log
        self._descriptors: list[list[int]] = []
        self.processes: list[WorkerProcess] = []
        pairs = [socket.socketpair() for _ in self._places[1:]]
        with ExitStack() as stack:
            for end in (end for pair in pairs for end in pair):
                stack.enter_context(end)
            sockets = [[first for first, _ in pairs], *([other] for _, other in pairs)]
            for rank, (own, place) in enumerate(zip(sockets, self._places, strict=True)):
                log = self._log.with_name(f"{self._log.stem}-rank{rank}{self._log.suffix}")
                self._descriptors.append([one.fileno() for one in own])
                try:
                    process = WorkerProcess(*self._command, log, own, proxies(), place.command)
                except BaseException:
                    self.kill()  # those that were started
                    raise
                self.processes.append(process)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    @property
    def ran_out_of_memory(self) -> bool:
        return any(process.ran_out_of_memory for process in self.processes)

    def hello(self) -> Message:
        return self.ask(HELLO, HELLO_SECONDS)

    def ask(self, do: str, timeout: float, **arguments: Any) -> Message:
        """One answer of all ranks, or of the first for all; raises CellEnded where any of them
        cannot give one, with its number."""
        if do in _OF_EQUALS:
            self._require_replicas(timeout)
        self.tell(do, **arguments)
        return self.answer(do, timeout)

    def tell(self, do: str, **arguments: Any) -> None:
        if do == "open":
            self._opening = arguments
        for rank in self._asked(do):
            self.processes[rank].tell(do, **self._of_rank(rank, do, arguments))

    def answer(self, do: str, timeout: float) -> Message:
        try:
            found = self._collect(do, timeout)
        except CellEnded as end:
            others_took_it = do == "open" and self._opening and any(map(is_taken, self._addresses))
            if end.status == "skipped" or not others_took_it:
                raise
            return self._open_elsewhere(timeout)
        if do == "open":
            self._opening = {}
        if do == "probe":
            answers.probed(self.folders)
        if do == "train":
            self.losses = [one["losses"] for one in found]
        return _ONE_OF[do](found) if do in _ONE_OF else found[0]

    def _open_elsewhere(self, timeout: float) -> Message:
        """Once more, with other ports: between their choice and their use others may take one."""
        arguments, self._opening = self._opening, {}
        self._start()
        self.hello()
        for rank in self._asked("open"):
            self.processes[rank].tell("open", **self._of_rank(rank, "open", arguments))
        return answers.opened(self._collect("open", timeout))

    def hang_up(self) -> None:
        for process in self.processes:  # all at once: frameworks take leave of each other
            process.hang_up()

    def stop(self) -> None:
        self.hang_up()
        for process in self.processes:
            process.stop()

    def kill(self) -> None:
        for process in self.processes:
            process.kill()

    def log_tail(self) -> str:
        return self.processes[self._failed].log_tail()

    def _asked(self, do: str) -> range:
        return range(1 if do in (*_FIRST_ALONE, "save_weights") else len(self.processes))

    def _of_rank(self, rank: int, do: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a command as this rank is given them."""
        if do == "open":
            group = {
                "rank": rank, "size": len(self.processes), "addresses": self._addresses,
                "timeout": self._timeout, "descriptors": self._descriptors[rank],
                "silent": self._silent,
            }  # fmt: skip
            return {**arguments, "group": group}
        if do == "probe":
            folder = Path(arguments["folder"])
            self.folders = [folder / f"rank{r}" for r in range(len(self.processes))]
            self.folders[rank].mkdir(exist_ok=True)
            return {**arguments, "folder": str(self.folders[rank])}
        return arguments

    def _require_replicas(self, timeout: float) -> None:
        do = "weights_sha256"
        self.tell(do)
        hashes = [one["sha256"] for one in self._collect(do, timeout)]
        others = [rank for rank, one in enumerate(hashes) if one != hashes[0]]
        if others:
            self.kill()
            named = ", ".join(f"rank {rank}" for rank in others)
            verb = "have" if len(others) > 1 else "has"
            reason = f"replicas differ: {named} {verb} other weights than rank 0"
            raise CellEnded("failed", reason)

    def _collect(self, do: str, timeout: float) -> list[Message]:
        """The answers of all that were told, in the order of ranks. The first failure counts, of
        whichever rank it is: the others may wait for that one for ever."""
        asked, found = self._asked(do), dict[int, Message]()
        deadline = time.monotonic() + timeout
        while len(found) < len(asked):
            waiting = [rank for rank in asked if rank not in found]
            ready = self._ready(waiting, deadline - time.monotonic())
            if not ready:
                self._end_late(do, timeout, waiting)
            for rank in ready:
                try:
                    found[rank] = self.processes[rank].answer(do, max(0.1, timeout))
                except CellEnded as end:
                    self._end(do, rank, end)
        return [found[rank] for rank in asked]

    def _ready(self, waiting: Sequence[int], seconds: float) -> Collection[int]:
        """Those of the waiting ranks that have answered, or are gone; none after so many seconds"""
        channels = {rank: self.processes[rank].channel for rank in waiting}
        if there := [rank for rank, channel in channels.items() if channel.has_message()]:
            return there
        with selectors.DefaultSelector() as selector:
            for rank, channel in channels.items():
                selector.register(channel, selectors.EVENT_READ, rank)
            return [key.data for key, _ in selector.select(max(0.0, seconds))]

    def _end(self, do: str, rank: int, end: CellEnded) -> NoReturn:
        """End all ranks because one could not go on: of one that only tells that another is gone,
        for what that other died of."""
        if end.status == "failed" and not self.processes[rank].died:
            time.sleep(_SECONDS_FOR_ITS_CAUSE)
            for other, process in enumerate(self.processes):
                if process.has_ended():
                    rank, end = other, self._death(process, do)
        self._failed = rank
        self.kill()
        if end.status == "skipped":  # of all ranks alike
            raise end
        raise CellEnded("failed", f"rank {rank} of {len(self.processes)}: {end.reason}")

    @staticmethod
    def _death(process: WorkerProcess, do: str) -> CellEnded:
        try:
            process.answer(do, _SECONDS_FOR_ITS_CAUSE)
        except CellEnded as end:
            return end
        return CellEnded("failed", f"ended during '{do}'")

    def _end_late(self, do: str, timeout: float, waiting: Sequence[int]) -> NoReturn:
        """End all ranks because some have not answered, telling where each of them is."""
        places = [
            f"rank {rank}{self.processes[rank].where_it_is()}"
            if rank in waiting
            else f"rank {rank} has answered"
            for rank in self._asked(do)
        ]
        self._failed = waiting[-1]
        self.kill()
        where = "; ".join(places)
        raise CellEnded("failed", f"no answer to '{do}' within {timeout:g} s: killed: {where}")
