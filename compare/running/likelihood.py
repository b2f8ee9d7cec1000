"""How likely a trained language model finds texts."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compare.contracts.backend import Device
from compare.planning.choice import Choice
from compare.planning.devices import choose_device
from compare.records.record_types import Header
from compare.spec.arrays import Weights
from compare.spec.inputs import read_arrays, write_arrays, write_inputs
from compare.worker.decoding import log_softmax
from compare.worker.process import WorkerProcess

_ROWS = 64  # texts of a question: as many for every one, since frameworks compile for a shape


def log_likelihoods(
    header: Header, choice: Choice, weights: Weights, texts: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """log P of every id of a text after its first, in nats, (texts,), by a worker with the trained
    weights; what stands to the right of a shorter one is seen by none of its ids. Raises CellEnded
    if it cannot."""
    timeout, width = float(header.run["timeout"]), max(map(len, texts))
    found = list[float]()
    with tempfile.TemporaryDirectory() as scratch:
        inputs = Path(scratch, "inputs")
        write_inputs(inputs, header.experiment, weights, {})
        worker = WorkerProcess(choice.adapter, choice.python, inputs, Path(scratch, "log"))
        try:
            worker.hello()
            opened = worker.ask("open", timeout, mode=choice.cell.mode, threads=None)
            devices = [Device(**device) for device in opened["devices"]]
            device = vars(choose_device("auto", devices, [devices]))
            for first in range(0, len(texts), _ROWS):
                some = texts[first : first + _ROWS]
                ids = np.zeros((_ROWS, width), np.int32)
                for row, text in zip(ids, some, strict=False):
                    row[: len(text)] = text
                write_arrays(inputs / "batch.npz", {"inputs": ids})
                worker.ask("question", timeout, folder=str(inputs), device=device, gradient="")
                steps = log_softmax(read_arrays(inputs / "answer.npz")["answer"][: len(some), :-1])
                scores = np.take_along_axis(steps, ids[: len(some), 1:, None], -1)[..., 0]
                found += [float(s[: len(t) - 1].sum()) for s, t in zip(scores, some, strict=True)]
        finally:
            worker.stop()
    return np.array(found)
