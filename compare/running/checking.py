"""The conformance checks of one backend, run in a process of its own."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from compare.conformance.cases import COMPILED
from compare.conformance.checks import ALONE, ENDING, OF_RANKS, names
from compare.conformance.explaining import explain
from compare.conformance.finding import Finding
from compare.limits import CHECK_SECONDS
from compare.planning.choice import Choice
from compare.ranks.addresses import Place, free_addresses, proxies
from compare.worker.process import CellEnded, WorkerProcess


def check_cell(
    choice: Choice,
    oracle: str,
    timeout: float = CHECK_SECONDS,
    device: str = "",
    watch: Callable[[str, int, int], None] = lambda label, done, of: None,
    wanted: Sequence[str] = (),
) -> list[Finding]:
    """Run every check, or those that are `wanted`, on one backend in one mode, in a process of its
    own.

    `timeout` is the seconds that one check may take, `device` a label such as "cuda:0", without one
    it is the backend's first; `watch` is told the cell, how many checks are made and of how many.
    A backend that cannot be opened is a single finding, skipped or failed with the reason; one that
    hangs or dies has those that were made before, and the one that ended it.
    """
    every, found = list(wanted or names()), list[Finding]()
    with tempfile.TemporaryDirectory() as scratch:
        opened = _Opened(choice, timeout, Path(scratch) / "log")
        try:
            opened.start()
            for name in every:
                watch(choice.cell.label, len(found), len(every))
                try:
                    worker = opened.worker_for(name)
                    answer = worker.ask("check", timeout, name=name, oracle=oracle, device=device)
                except CellEnded as end:
                    if not name.startswith(OF_RANKS):
                        raise
                    found.append(_ended(name, end))  # it cannot join, and may be right in the rest
                    continue
                found.append(Finding.model_validate(answer["finding"]))
                if found[-1].status == "failed" and name in ENDING:
                    break
        except CellEnded as end:
            found.append(_ended(every[len(found)] if found else "open", end))
        finally:
            opened.stop()
    return explain(found)


def _ended(name: str, end: CellEnded) -> Finding:
    status = "skipped" if end.status == "skipped" else "failed"
    return Finding(check=name, status=status, detail=end.reason, problem="contract")


class _Opened:
    """The backend in a worker: one for most checks, and a fresh one for those that need it."""

    def __init__(self, choice: Choice, timeout: float, log: Path) -> None:
        self._choice, self._timeout, self._log = choice, timeout, log
        self._worker: WorkerProcess | None = None
        self._of_ranks, self._details = False, dict[str, str]()

    def start(self, of_ranks: bool = False) -> WorkerProcess:
        """Open it anew, by itself or as the one rank of a group; raises CellEnded."""
        self.stop()
        self._of_ranks = of_ranks
        self._worker = worker = WorkerProcess(
            self._choice.adapter, self._choice.python, None, self._log,
            without=proxies() if of_ranks else (),
        )  # fmt: skip
        worker.hello()
        group = {"rank": 0, "size": 1, "timeout": self._timeout, "descriptors": []}
        group["addresses"] = free_addresses([Place()])
        told = {"group": group} if of_ranks else {}
        mode = self._choice.cell.mode
        self._details = worker.ask("open", self._timeout, mode=mode, threads=1, **told)["details"]
        return worker

    def worker_for(self, name: str) -> WorkerProcess:
        of_ranks = name.startswith(OF_RANKS)
        alone = name.startswith(ALONE) and COMPILED in self._details
        if self._worker is None or alone or of_ranks or self._of_ranks:
            return self.start(of_ranks)
        return self._worker

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
