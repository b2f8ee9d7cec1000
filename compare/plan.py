"""From what a user asked to what will be played: settings, data, weights and cells."""

from collections.abc import Mapping
from dataclasses import dataclass

from compare.contracts import Array, Prepared, Task
from compare.overrides import Overrides, resolve
from compare.plugins import load_task
from compare.results import CellName
from compare.settings import RunSection
from compare.spec import Experiment
from compare.survey import Choice, choose_cells
from compare.target import Target
from compare.weights import arrays_sha256, initial_weights


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before a worker starts."""

    task: Task
    preset: str
    experiment: Experiment
    prepared: Prepared
    run: RunSection
    choices: list[Choice]
    pythons: Mapping[str, str]
    weights: Mapping[str, Array]
    command: list[str]

    @property
    def cells(self) -> list[CellName]:
        return [choice.cell for choice in self.choices]


def make_plan(
    task_name: str,
    preset: str,
    overrides: list[Overrides],
    backends: list[str],
    pythons: Mapping[str, str],
    command: list[str],
    every_mode: bool = False,
) -> Plan:
    """Resolve everything; raises UserError for any of it that cannot be, data included."""
    task = load_task(task_name)
    settings = resolve(task, preset, overrides)
    Target.read(settings.run.target, task.metrics)
    choices = choose_cells(backends, pythons, every_mode)
    prepared = task.prepare(settings)
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
    return Plan(
        task, preset, experiment, prepared, settings.run, choices, pythons, weights, command
    )
