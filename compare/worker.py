"""Plays one cell in its own process: `python -m compare.worker FD ADAPTER [INPUTS]`.

Commands come and answers go over the socket with file descriptor FD, one JSON object each.
Only NumPy, pydantic and psutil are imported here besides the adapter and its framework.
"""

import math
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from compare.channel import Channel, Closed, Message
from compare.conformance import run_checks
from compare.contracts import Array, Backend, Device, Trainer, Unsupported, as_float
from compare.data import Dataset, read_experiment, read_weights, write_arrays
from compare.errors import one_line
from compare.meters.machine import pin_to, usable_cpus
from compare.meters.memory import HighWater, resident_bytes
from compare.plugins import install_hint, load_backend
from compare.weights import perturbed


class Worker:
    """Answers each command by the method of its name."""

    def __init__(self, adapter: str, inputs: Path | None) -> None:
        self.adapter = adapter
        self.inputs = inputs
        self.backend: Backend
        self.trainer: Trainer

    def hello(self) -> Message:
        """Load the adapter, not yet its framework; say what it is."""
        self.backend = load_backend(self.adapter)
        return {
            "name": self.backend.name,
            "modes": list(self.backend.modes),
            "oracle": getattr(self.backend, "oracle", False),
        }

    def open(self, mode: str, threads: int | None) -> Message:
        """Import the framework; the memory it holds while idle is measured here."""
        began = time.perf_counter()
        if threads:
            pin_to(threads)
        self.backend.open(mode, threads or usable_cpus())
        versions = self.backend.versions()
        devices = self.backend.devices()
        return {
            "versions": versions,
            "devices": [vars(device) for device in devices],
            "seconds": time.perf_counter() - began,
            "memory_bytes": resident_bytes(),
        }

    def build(self, device: dict[str, Any], perturb: bool) -> Message:
        """Build the trainer and load the experiment's weights, perturbed in the last bit or not."""
        experiment = read_experiment(self._inputs())
        stored = read_weights(self._inputs())
        weights = perturbed(stored, experiment.train.precision) if perturb else stored
        began = time.perf_counter()
        self.trainer = self.backend.build(experiment, Device(**device))
        self.trainer.load(weights)
        seconds = time.perf_counter() - began
        self.experiment = experiment
        self.batches = Dataset(self._inputs(), experiment.splits["train"])
        return {"seconds": seconds}

    def train(self, first: int, last: int, untimed: int) -> Message:
        """Steps [first, last), the first `untimed` of them not timed: a pause lies before them."""
        batches = self.batches.batches(first, last)
        rates = np.array(self.experiment.optimizer.learning_rates(first, last))
        began = time.perf_counter()
        losses = self._train(batches, rates, 0, untimed)
        lead_seconds = time.perf_counter() - began
        high_water = HighWater()
        high_water.reset()
        began = time.perf_counter()
        losses += self._train(batches, rates, untimed, last - first)
        seconds = time.perf_counter() - began
        return {
            "losses": losses,
            "seconds": seconds,
            "lead_seconds": lead_seconds,
            "timed_steps": last - first - untimed,
            "tokens": int(batches["targets"][untimed:].size),
            "peak_bytes": high_water.peak(),
            "device_peak_bytes": self.trainer.memory().peak_bytes,
        }

    def _train(self, batches: Any, rates: Array, first: int, last: int) -> list[float]:
        if first == last:
            return []
        part = {name: field[first:last] for name, field in batches.items()}
        losses = as_float(self.trainer.train(part, rates[first:last]))
        if len(losses) != last - first:
            raise ValueError(f"train returned {len(losses)} losses for {last - first} batches")
        return [float(loss) for loss in losses]

    def evaluate(self) -> Message:
        """Mean loss over the validation split, from logits, in float64."""
        dataset = Dataset(self._inputs(), self.experiment.splits["validation"])
        began = time.perf_counter()
        total, tokens = 0.0, 0
        for index in range(len(dataset)):
            batch = dataset.batch(index)
            total += negative_log_likelihood(self.trainer.logits(batch), batch["targets"])
            tokens += batch["targets"].size
        return {"loss": total / tokens, "tokens": tokens, "seconds": time.perf_counter() - began}

    def probe(self, folder: str) -> Message:
        """Write the initial logits and gradients on the first batch into `folder`."""
        batch = self.batches.batch(0)
        write_arrays(Path(folder, "logits.npz"), {"logits": self.trainer.logits(batch)})
        write_arrays(Path(folder, "gradients.npz"), self.trainer.gradients(batch))
        return {}

    def check(self, oracle: str) -> Message:
        """Run the conformance checks against the backend of this name."""
        findings = run_checks(self.backend, load_backend(oracle))
        return {"findings": [finding.model_dump() for finding in findings]}

    def save_weights(self, path: str) -> Message:
        """Write the weights as they are now."""
        write_arrays(Path(path), self.trainer.weights())
        return {}

    def _inputs(self) -> Path:
        assert self.inputs is not None  # only `hello` and `open` are asked of a worker without
        return self.inputs


def negative_log_likelihood(logits: Array, targets: Array) -> float:
    """Sum of -log softmax(logits)[target] over all tokens, in float64, row by row."""
    expected = (*targets.shape, logits.shape[-1])
    if logits.shape != expected:
        raise ValueError(f"logits has shape {logits.shape}, expected {expected}")
    total = 0.0
    for row, wanted in zip(logits, targets, strict=True):  # (time, vocab), (time,)
        values = row.astype(np.float64)
        values -= values.max(-1, keepdims=True)
        chosen = np.take_along_axis(values, wanted[:, None], -1)[:, 0]
        total += float((np.log(np.exp(values).sum(-1)) - chosen).sum())
    return total if math.isfinite(total) else math.nan


def serve(worker: Worker, channel: Channel) -> None:
    """Answer commands until the conductor hangs up."""
    while True:
        try:
            command = channel.receive()
            channel.send(_answer(worker, command))
        except Closed:
            return


def _answer(worker: Worker, command: Message) -> Message:
    method = getattr(worker, command.pop("do"))
    try:
        return {"ok": method(**command)}
    except Unsupported as reason:
        return {"skipped": f"not supported: {reason}"}
    except ModuleNotFoundError as error:
        traceback.print_exc()
        hint = install_hint(worker.adapter, error.name or "")
        return {"skipped": f"{error.name} is not installed" + (f": {hint}" if hint else "")}
    except Exception as error:
        traceback.print_exc()  # into the cell's log
        return {"failed": one_line(error)}


def main() -> None:
    descriptor, adapter, *rest = sys.argv[1:]
    channel = Channel(socket.socket(fileno=int(descriptor)))
    serve(Worker(adapter, Path(rest[0]) if rest else None), channel)


if __name__ == "__main__":
    main()
