"""The conformance checks of one backend, run in a process of its own."""

import tempfile
from pathlib import Path

from compare.conformance.checks import Finding
from compare.limits import CHECK_SECONDS
from compare.planning.choice import Choice
from compare.worker.process import CellEnded, WorkerProcess


def check_cell(
    choice: Choice, oracle: str, timeout: float = CHECK_SECONDS, device: str = ""
) -> list[Finding]:
    """Run every check on one backend in one mode, in a process of its own.

    `device` is a label such as "cuda:0"; without one it is the backend's first. A backend that
    cannot be opened is a single finding, skipped or failed with the reason.
    """
    with tempfile.TemporaryDirectory() as scratch:
        worker = WorkerProcess(choice.adapter, None, None, Path(scratch) / "log")
        try:
            worker.hello()
            worker.ask("open", timeout, mode=choice.cell.mode, threads=1)
            answer = worker.ask("check", timeout, oracle=oracle, device=device)
        except CellEnded as end:
            status = "skipped" if end.status == "skipped" else "failed"
            return [Finding(check="open", status=status, detail=end.reason)]
        finally:
            worker.stop()
    return [Finding.model_validate(finding) for finding in answer["findings"]]
