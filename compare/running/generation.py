"""Generating text with what a run trained."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from compare.contracts.backend import Device
from compare.planning.choice import Choice
from compare.planning.devices import choose_device
from compare.records.record_types import Header
from compare.spec.arrays import Weights
from compare.spec.inputs import write_inputs
from compare.worker.process import WorkerProcess

Generate = Callable[..., list[list[int]]]
"""What asks a worker for the ids of texts after a `prompt` of ids; of a language model with the
other arguments of `continue_texts`"""


@contextmanager
def generating(header: Header, choice: Choice, weights: Weights) -> Iterator[Generate]:
    """A worker with the trained weights that generates; raises CellEnded if it cannot."""
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
            yield lambda **asked: worker.ask("generate", timeout, **asked)["texts"]
        finally:
            worker.stop()
