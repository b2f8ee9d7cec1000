"""The conformance checks of one backend, run in a process of its own."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from compare.conformance.cases import COMPILED
from compare.conformance.checks import ALONE, ENDING, names
from compare.conformance.explaining import explain
from compare.conformance.finding import Finding
from compare.limits import CHECK_SECONDS
from compare.planning.choice import Choice
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
        worker = WorkerProcess(choice.adapter, choice.python, None, Path(scratch) / "log")
        try:
            details = _open(worker, choice, timeout)
            for name in every:
                watch(choice.cell.label, len(found), len(every))
                if name.startswith(ALONE) and COMPILED in details:
                    worker.stop()
                    log = Path(scratch) / "log"
                    worker = WorkerProcess(choice.adapter, choice.python, None, log)
                    _open(worker, choice, timeout)
                answer = worker.ask("check", timeout, name=name, oracle=oracle, device=device)
                found.append(Finding.model_validate(answer["finding"]))
                if found[-1].status == "failed" and name in ENDING:
                    break
        except CellEnded as end:
            status = "skipped" if end.status == "skipped" else "failed"
            at = every[len(found)] if found else "open"
            found.append(Finding(check=at, status=status, detail=end.reason, problem="contract"))
        finally:
            worker.stop()
    return explain(found)


def _open(worker: WorkerProcess, choice: Choice, timeout: float) -> dict[str, str]:
    """Open the backend in a worker; its details."""
    worker.hello()
    opened = worker.ask("open", timeout, mode=choice.cell.mode, threads=1)
    details: dict[str, str] = opened["details"]
    return details
