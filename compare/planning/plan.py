"""From what a user asked to what will be played: settings, data, weights and cells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.contracts.loading import load_task
from compare.contracts.task import Prepared, Task
from compare.errors import UserError
from compare.findings.time_to_target import Target
from compare.findings.window_thresholds import WINDOW_SECONDS
from compare.meters.cost import require_memory_for
from compare.meters.memory import require_memory
from compare.meters.threads import require_threads
from compare.planning.choice import Choice
from compare.planning.overrides import resolve
from compare.planning.selection import choose_cells
from compare.ranks.counts import require_cpus, require_rows, threads_of_each
from compare.records.values import CellName, Request
from compare.spec.arrays import Array
from compare.spec.experiment import Experiment
from compare.spec.settings import RunSection
from compare.spec.training import TrainSpec
from compare.spec.weights import arrays_sha256, initial_weights


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before a worker starts."""

    request: Request
    task: Task
    experiment: Experiment
    prepared: Prepared
    run: RunSection
    choices: list[Choice]
    weights: Mapping[str, Array]
    command: list[str]

    @property
    def preset(self) -> str:
        return self.request.preset

    @property
    def cells(self) -> list[CellName]:
        return [choice.cell for choice in self.choices]

    def run_settings(self) -> dict[str, Any]:
        """How it is played, with the number of threads that it comes to."""
        return {**self.run.model_dump(), "threads": self.threads}

    @property
    def bytes_on_disk(self) -> int:
        """What is written before the first step, and the weights that are kept."""
        weights = sum(array.nbytes for array in self.weights.values())
        kept = len(self.choices) * weights if self.run.save_weights else 0
        return kept + weights + sum(array.nbytes for array in self.prepared.arrays.values())

    @property
    def threads(self) -> int:
        """CPU threads of each backend, or of each rank of it."""
        return self.run.threads or threads_of_each(self.request.ranks)


def make_plan(
    request: Request,
    command: list[str],
    choices: list[Choice] | None = None,
    watch: Callable[[str], None] = lambda doing: None,
    timed: bool = True,
) -> Plan:
    """Resolve everything; raises UserError for any of it that cannot be, data included.

    `choices` are those of an earlier plan for the same backends, which need not be asked again;
    `watch` is told what is being done. Where nothing is `timed`, ranks may share CPUs.
    """
    task = load_task(request.task)
    settings = resolve(task, request.preset, request.overrides)
    Target.read(settings.run.target, task.metrics, getattr(task, "best", {}))
    if settings.run.threads:
        require_threads(settings.run.threads)
    if timed:
        require_cpus(request.ranks, settings.run.threads or threads_of_each(request.ranks))
    require_rows(request.ranks, settings.train)
    if choices is None:
        watch("asking the backends who they are")
        choices = choose_cells(request.backends, request.pythons, request.every_mode, request.ranks)
    _require_room_for_a_window(settings.run, len(choices))
    _require_memory_for_batches(settings.train)
    watch("preparing the data")
    prepared = task.prepare(settings)
    on_host = settings.run.device == "cpu"  # elsewhere this machine holds the weights alone
    require_memory_for(prepared.model, settings.optimizer if on_host else None)
    weights = initial_weights(prepared.model, settings.train.seed)
    experiment = Experiment(
        task=task.name,
        model=prepared.model,
        optimizer=settings.optimizer,
        train=settings.train,
        splits=prepared.splits,
        data=prepared.about,
        data_sha256=arrays_sha256(prepared.arrays),
        weights_sha256=arrays_sha256(weights),
        decoding=prepared.decoding,
    )
    return Plan(request, task, experiment, prepared, settings.run, choices, weights, command)


def known(choices: list[Choice] | None, request: Request) -> list[Choice] | None:
    """Those of an earlier plan, where they are of as many ranks as the request asks for."""
    ranks = {choice.cell.ranks for choice in choices or ()}
    return choices if ranks == set(request.ranks) else None


def _require_room_for_a_window(run: RunSection, cells: int) -> None:
    processes = cells * (2 if run.control else 1)
    least = processes * WINDOW_SECONDS
    if run.budget is not None and run.budget < least:
        raise UserError(
            f"--budget {run.budget:g}s is too short: one window of each backend, and of each"
            f" --control, takes {least:g}s or more"
        )


def _require_memory_for_batches(train: TrainSpec) -> None:
    rows, tokens = train.steps * train.batch, train.batch * train.sequence_length
    require_memory(rows * np.dtype(np.int64).itemsize, f"the places of {rows:,} rows of batches")
    require_memory(tokens * np.dtype(np.int32).itemsize, f"the {tokens:,} tokens of a batch")
