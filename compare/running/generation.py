"""Generating text with what a run trained."""

import tempfile
from pathlib import Path
from typing import Any

from compare.contracts.backend import Device
from compare.planning.choice import Choice
from compare.planning.devices import choose_device
from compare.records.record_types import Header
from compare.spec.arrays import Weights
from compare.spec.inputs import write_inputs
from compare.worker.process import WorkerProcess


def generate_ids(
    header: Header, choice: Choice, weights: Weights, how: dict[str, Any]
) -> list[int]:
    """Let a worker with the trained weights generate; raises CellEnded if it cannot."""
    timeout = float(header.run["timeout"])
    with tempfile.TemporaryDirectory() as scratch:
        inputs = Path(scratch, "inputs")
        write_inputs(inputs, header.experiment, weights, {})
        worker = WorkerProcess(choice.adapter, choice.python, inputs, Path(scratch, "log"))
        try:
            worker.hello()
            opened = worker.ask("open", timeout, mode=choice.cell.mode, threads=None)
            devices = [Device(**device) for device in opened["devices"]]
            device = choose_device("auto", devices, [devices])
            worker.ask("build", timeout, device=vars(device), perturb=False)
            found: list[int] = worker.ask("generate", timeout, **how)["ids"]
        finally:
            worker.stop()
    return found
