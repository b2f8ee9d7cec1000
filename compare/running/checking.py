"""The conformance checks of one backend, run in a process of its own."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from compare.conformance.checks import Finding, names
from compare.limits import CHECK_SECONDS
from compare.planning.choice import Choice
from compare.worker.process import CellEnded, WorkerProcess


def check_cell(
    choice: Choice,
    oracle: str,
    timeout: float = CHECK_SECONDS,
    device: str = "",
    watch: Callable[[str, int, int], None] = lambda label, done, of: None,
) -> list[Finding]:
    """Run every check on one backend in one mode, in a process of its own.

    `timeout` is the seconds that one check may take, `device` a label such as "cuda:0", without one
    it is the backend's first; `watch` is told the cell, how many checks are made and of how many.
    A backend that cannot be opened is a single finding, skipped or failed with the reason; one that
    hangs or dies has those that were made before, and the one that ended it.
    """
    every, found = names(), list[Finding]()
    with tempfile.TemporaryDirectory() as scratch:
        worker = WorkerProcess(choice.adapter, None, None, Path(scratch) / "log")
        try:
            worker.hello()
            worker.ask("open", timeout, mode=choice.cell.mode, threads=1)
            while len(found) < len(every):
                watch(choice.cell.label, len(found), len(every))
                finding = worker.ask("check", timeout, oracle=oracle, device=device)["finding"]
                if finding is None:
                    break
                found.append(Finding.model_validate(finding))
        except CellEnded as end:
            status = "skipped" if end.status == "skipped" else "failed"
            at = every[len(found)] if found else "open"
            found.append(Finding(check=at, status=status, detail=end.reason))
        finally:
            worker.stop()
    return found
