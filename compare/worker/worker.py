"""Plays one cell, or one rank of it, in its own process: a method for each command.

Only NumPy, pydantic and psutil are imported here besides the adapter and its framework.
"""

import sys
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from compare.conformance.adapter_errors import (
    peak_bytes,
    require_backend,
    require_trainer,
    wrong_answer,
)
from compare.conformance.checks import Checker
from compare.contracts.backend import Backend, CompilerPlan, Device, Trainer, Unsupported
from compare.contracts.group import Group
from compare.contracts.loading import load_backend
from compare.meters.machine import native_libraries
from compare.meters.memory import resident_bytes
from compare.meters.roofline import fastest_product
from compare.meters.threads import pin_to, usable_cpus
from compare.meters.window import WindowMeters
from compare.meters.wire import WireMeter
from compare.plugins import source_sha256
from compare.spec.arrays import Array, Batch, Batches, as_float
from compare.spec.dropout import with_dropout_masks
from compare.spec.inputs import Dataset, read_arrays, read_experiment, read_weights, write_arrays
from compare.spec.weights import arrays_sha256, perturbed
from compare.worker.channel import Message
from compare.worker.decoding import beam_search, continue_texts, log_softmax
from compare.worker.losses import negative_log_likelihood, tokens_read, valid, valid_targets
from compare.worker.questions import Questions
from compare.worker.shares import device_of_rank, experiment_of, rows_of, share_of
from compare.worker.summing import Sockets

Run = tuple[Batches, Array]
"""Steps of one width: their batches, and the learning rate of each"""


class Worker:
    """Answers each command by the method of its name."""

    def __init__(self, adapter: str, inputs: Path | None) -> None:
        self.adapter = adapter
        self.inputs = inputs
        self.backend: Backend
        self.early: set[str]
        self.checker: Checker | None = None
        self.questions: Questions | None = None
        self.trainer: Trainer
        self.group: Group | None = None
        self.meters, self.wire = WindowMeters(), WireMeter()
        self._datasets: dict[str, Dataset] = {}

    def hello(self) -> Message:
        """Load the adapter, not yet its framework; say what it is."""
        before = set(sys.modules)
        self.backend = load_backend(self.adapter)
        self.early = set(sys.modules) - before
        require_backend(self.backend, self.adapter)
        return {
            "name": self.backend.name,
            "modes": list(self.backend.modes),
            "oracle": self.backend.oracle,
            "grouped": hasattr(self.backend, "join"),
        }

    def open(
        self, mode: str, threads: int | None, group: Message | None = None, pinned: bool = True
    ) -> Message:
        """Import the framework; the memory it holds while idle is measured here.

        `group` is of one rank of several: the fields of a `Group`, and `descriptors` of sockets.
        Of several that compute at once for themselves none is to be `pinned` to CPUs.
        """
        began = time.perf_counter()
        if threads and pinned:
            pin_to(threads, group["rank"] if group else 0)
        self.backend.open(mode, threads or usable_cpus())
        if group:
            self._join(**group)
        versions = self.backend.versions()
        devices = self.backend.devices()
        return {
            "versions": versions,
            "devices": [vars(device) for device in devices],
            "seconds": time.perf_counter() - began,
            "memory_bytes": resident_bytes(),
            "adapter_sha256": source_sha256(self.backend),
            "libraries": native_libraries() or [],
            "details": getattr(self.backend, "details", dict)(),
        }

    def _join(self, descriptors: list[int], addresses: list[str], **about: Any) -> None:
        join = getattr(self.backend, "join", None)
        if join is None:
            raise Unsupported("ranks: its adapter has no 'join'")
        adding = Sockets(about["rank"], descriptors)
        self.group = Group(**about, addresses=tuple(addresses), add_up=adding.sum)
        join(self.group)

    def build(self, device: dict[str, Any], perturb: bool) -> Message:
        """Build the trainer and load the experiment's weights; with `perturb` it is the echo's."""
        experiment = read_experiment(self._inputs())
        stored = read_weights(self._inputs())
        weights = perturbed(stored, experiment.train.dtype) if perturb else stored
        began = time.perf_counter()
        own, place = experiment, Device(**device)
        if self.group:
            at = self.group.rank, self.group.size
            own = experiment_of(experiment, *at)
            place = device_of_rank(place, self.backend.devices(), *at)
        self.trainer = self.backend.build(own, place)
        require_trainer(self.trainer)
        self.trainer.load(weights)
        seconds = time.perf_counter() - began
        self.experiment, self.reverse = experiment, perturb
        return {"seconds": seconds}

    def perturb(self, draw: int) -> Message:
        """Start the echo afresh, from weights that are perturbed otherwise."""
        stored = read_weights(self._inputs())
        self.trainer.load(perturbed(stored, self.experiment.train.dtype, draw))
        return {}

    def train(self, first: int, last: int, untimed: int, repeats: int = 1) -> Message:
        """Steps [first, last), the first `untimed` of them not timed: a pause lies before them.

        The others are trained `repeats` times over.
        """
        border = first + untimed
        lead, timed = self._runs(first, border), self._runs(border, last) * repeats
        began = time.perf_counter()
        losses, _ = self._train(lead)
        lead_seconds = time.perf_counter() - began
        self.meters.start()
        self.wire.start()
        began = time.perf_counter()
        found, inside = self._train(timed)
        seconds = time.perf_counter() - began
        return {
            "losses": losses + found,
            "seconds": seconds,
            "harness_seconds": seconds - inside,
            "lead_seconds": lead_seconds,
            "timed_steps": sum(len(rates) for _, rates in timed),
            "tokens": sum(tokens_read(batches) for batches, _ in timed),
            "device_peak_bytes": peak_bytes(self.trainer),
            "wire_bytes": self.wire.stop() if self.group else None,
            **self.meters.stop(seconds),
        }

    def _train(self, runs: list[Run]) -> tuple[list[float], float]:
        """The loss of every step, and the seconds spent inside the adapter."""
        losses, inside = list[float](), 0.0
        for batches, rates in runs:  # one, unless batches are of several widths
            began = time.perf_counter()
            returned = self.trainer.train(batches, rates)
            inside += time.perf_counter() - began
            found = as_float(returned)
            if len(found) != len(rates):
                problem = f"returned {len(found)} losses for {len(rates)} batches"
                raise wrong_answer(self.trainer.train, problem)
            losses += found.tolist()
        return losses, inside

    def plan(self) -> Message:
        """What the framework's compiler planned for a training step, where its adapter tells."""
        planner, found = getattr(self.trainer, "compiler_plan", None), CompilerPlan()
        ((batches, _),) = self._runs(0, 1)
        try:
            if planner is not None:
                found = planner({name: field[0] for name, field in batches.items()})
        except Exception:  # told in the log: a cell that has trained is whole without this figure
            traceback.print_exc()
        return {"memory_bytes": found.memory_bytes, "flops": found.flops}

    def multiply(self, device: dict[str, Any]) -> Message:
        """The rate of the framework's own matrix product, where its adapter offers one."""
        product, found = getattr(self.backend, "product", None), None
        try:
            if product is not None:
                found = fastest_product(partial(product, Device(**device)), share=0.5)
        except Exception:  # told in the log: a cell that has trained is whole without this figure
            traceback.print_exc()
        return {"flops_per_second": found}

    def process_peak(self) -> Message:
        """The largest resident set of the worker's whole life."""
        return {"process_peak_bytes": self.meters.process_peak()}

    def evaluate(self) -> Message:
        """Mean loss over the validation split, from logits, in float64."""
        dataset = self._split("validation")
        began = time.perf_counter()
        total, tokens = 0.0, 0
        for index in range(len(dataset)):
            batch = dataset.batch(index)
            total += negative_log_likelihood(self._logits(batch), batch)
            tokens += valid_targets(batch)
        seconds = time.perf_counter() - began
        return {"loss": total / tokens, "tokens": tokens, "seconds": seconds}

    def outputs(self, index: int, split: str = "validation") -> Message:
        """What the model makes of one batch of a split: decoded ids, or class probabilities, of
        every row that is an example."""
        dataset, decoding = self._split(split), self.experiment.decoding
        batch = dataset.batch(index)
        rows: list[Any]
        if decoding:
            rows = beam_search(self.trainer.logits, batch, decoding)
        else:
            rows = np.exp(log_softmax(self._logits(batch)[:, 0])).tolist()
        examples = np.flatnonzero(np.any(valid(batch, "targets"), axis=-1))
        return {"outputs": [rows[index] for index in examples], "batches": len(dataset)}

    def generate(self, prompt: list[int], **how: Any) -> Message:
        """Ids of texts after a prompt, or an encoder-decoder's output for it as source."""
        model, decoding = self.experiment.model, self.experiment.decoding
        if decoding is None:
            context = model.context()
            return {"texts": continue_texts(self.trainer.logits, prompt, context=context, **how)}
        source = np.array([prompt[: model.context(encoder=True)]], np.int32)
        batch = {"source": source, "source_mask": np.ones(source.shape, bool)}
        return {"texts": beam_search(self.trainer.logits, batch, decoding)}

    def _logits(self, batch: Batch) -> Array:
        logits = self.trainer.logits(batch)
        if logits.shape[:-1] != batch["targets"].shape:
            wanted = ", ".join(map(str, batch["targets"].shape))
            problem = f"returned shape {logits.shape}, expected ({wanted}, vocab)"
            raise wrong_answer(self.trainer.logits, problem)
        return logits

    def probe(self, folder: str) -> Message:
        """Write the initial logits and gradients on the first batch into `folder`; a rank those of
        its rows."""
        batch = self._split("train").batch(0)
        if self.group:
            batch = rows_of(batch, self.group.rank, self.group.size)
        logits = self.trainer.logits(batch)
        write_arrays(Path(folder, "logits.npz"), {"logits": logits})
        ((masked, _),) = self._runs(0, 1)
        gradients = self.trainer.gradients({name: field[0] for name, field in masked.items()})
        write_arrays(Path(folder, "gradients.npz"), gradients)
        return {}

    def question(self, folder: str, device: dict[str, Any], gradient: str) -> Message:
        """Answer for the model and the batch of a folder, see `Questions`."""
        if self.questions is None:
            self.questions = Questions(self.backend)
        self.questions.answer(Path(folder), Device(**device), gradient)
        return {}

    def check(self, name: str, oracle: str, device: str) -> Message:
        """Make one conformance check against the backend of the name `oracle`."""
        if self.checker is None:
            self.checker = Checker(self.backend, load_backend(oracle), device, self.early)
        return {"finding": self.checker.make(name).model_dump()}

    def load_weights(self, path: str) -> Message:
        """Give the model other weights, of a file."""
        self.trainer.load(read_arrays(Path(path)))
        return {}

    def save_weights(self, path: str) -> Message:
        """Write the weights as they are now."""
        write_arrays(Path(path), self.trainer.weights())
        return {}

    def weight_norms(self) -> Message:
        """The Euclidean norm of every parameter as it is now."""
        weights = self.trainer.weights().items()
        return {"norms": {n: float(np.linalg.norm(np.asarray(w, np.float64))) for n, w in weights}}

    def weights_sha256(self) -> Message:
        """By which replicas can be told apart, to the last bit."""
        return {"sha256": arrays_sha256(self.trainer.weights())}

    def _runs(self, first: int, last: int) -> list[Run]:
        """The batches of the steps [first, last), dropout masks with them, and their rates; the
        rows that this rank has of them."""
        experiment, runs = self.experiment, list[Run]()
        for batches in self._split("train").runs(first, last):
            masked = with_dropout_masks(batches, experiment.model, experiment.train, first)
            if self.reverse:  # the same training, rounded otherwise at every step
                masked = {name: field[:, ::-1] for name, field in masked.items()}
            if self.group:
                masked = share_of(masked, self.group.rank, self.group.size)
            steps = len(batches["inputs"])
            runs.append((masked, np.array(experiment.learning_rates(first, first + steps))))
            first += steps
        return runs

    def _split(self, name: str) -> Dataset:
        if name not in self._datasets:
            self._datasets[name] = Dataset(self._inputs(), self.experiment.splits[name])
        return self._datasets[name]

    def _inputs(self) -> Path:
        assert self.inputs is not None  # only `hello` and `open` are asked of a worker without
        return self.inputs
