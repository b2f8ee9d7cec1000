"""What a trained model says beyond its run: text that it generates, how likely it finds texts."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

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


def generate_ids(
    header: Header, choice: Choice, weights: Weights, how: dict[str, Any]
) -> list[int]:
    """Let a worker with the trained weights generate; raises CellEnded if it cannot."""
    with _opened(header, choice, weights) as one:
        one.worker.ask("build", one.timeout, device=one.device, perturb=False)
        found: list[int] = one.worker.ask("generate", one.timeout, **how)["ids"]
    return found


def log_likelihoods(
    header: Header, choice: Choice, weights: Weights, texts: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """log P of every id of a text after its first, in nats, (texts,), by a worker with the trained
    weights; what stands to the right of a shorter one is seen by none of its ids. Raises CellEnded
    if it cannot."""
    width, found = max(map(len, texts)), list[float]()
    with _opened(header, choice, weights) as one:
        for first in range(0, len(texts), _ROWS):
            some = texts[first : first + _ROWS]
            ids = np.zeros((_ROWS, width), np.int32)
            for row, text in zip(ids, some, strict=False):
                row[: len(text)] = text
            write_arrays(one.inputs / "batch.npz", {"inputs": ids})
            asked = {"folder": str(one.inputs), "device": one.device, "gradient": ""}
            one.worker.ask("question", one.timeout, **asked)
            logits = read_arrays(one.inputs / "answer.npz")["answer"]
            steps = log_softmax(logits[: len(some), :-1])
            scores = np.take_along_axis(steps, ids[: len(some), 1:, None], -1)[..., 0]
            found += [float(s[: len(t) - 1].sum()) for s, t in zip(scores, some, strict=True)]
    return np.array(found)


class _Opened(NamedTuple):
    worker: WorkerProcess
    inputs: Path
    device: dict[str, Any]
    timeout: float


@contextmanager
def _opened(header: Header, choice: Choice, weights: Weights) -> Iterator[_Opened]:
    """A worker that has imported its framework, beside the experiment with these weights."""
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
            yield _Opened(worker, inputs, vars(device), timeout)
        finally:
            worker.stop()
