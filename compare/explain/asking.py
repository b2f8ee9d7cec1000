"""One backend's models, each asked the same about the same texts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from compare.contracts.task import class_names
from compare.explain import faithfulness, inside, truth
from compare.explain.attention import cross_attention, kept_maps, rollout
from compare.explain.methods import (
    Attribution,
    Method,
    gradient_times_input,
    integrated_gradients,
    occlusion,
)
from compare.explain.model import Model, answering
from compare.explain.shapley import shapley_values, surrogate
from compare.explain.subjects import Subject
from compare.explain.texts import Texts, classes_of, decided
from compare.explain.variants import Weights
from compare.planning.choice import Choice
from compare.planning.kept import kept_weights
from compare.planning.plan import Plan
from compare.records.explanations import AttentionMap, Faithful, Inside, Of
from compare.records.record_types import Evaluated, Header
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, Estimate
from compare.stats.intervals import Interval
from compare.worker.process import CellEnded

METHODS: Mapping[str, Method] = {
    "gradient": gradient_times_input,
    "integrated": integrated_gradients,
    "occlusion": occlusion,
    "shapley": shapley_values,
    "surrogate": surrogate,
    "rollout": rollout,
    "attention": cross_attention,
}
ECHO, INITIAL, SHUFFLED = "echo", "not trained", "shuffled labels"

MOST_DELETED = 50
"""Texts of which words are left out to see whether explanations are faithful"""
MOST_MAPPED = 3
"""Texts whose attention maps are kept"""


class Kept(NamedTuple):
    """A run with weights, the plan that its data was made anew by, the cells that are asked,
    folders of runs that differ in their seed alone, by that, and one of a run on shuffled labels.
    """

    folder: RunFolder
    header: Header
    plan: Plan
    choices: Sequence[Choice]
    seeds: Mapping[int, RunFolder]
    shuffled: RunFolder | None


@dataclass
class Findings:
    """What was found so far; scores by method and model."""

    scores: dict[str, dict[str, list[Attribution]]] = field(default_factory=dict)
    models: dict[str, Of] = field(default_factory=dict)
    cells: dict[str, Choice] = field(default_factory=dict)
    faithful: list[Faithful] = field(default_factory=list)
    inside: list[Inside] = field(default_factory=list)
    maps: list[AttentionMap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Questions:
    """What every model is asked: as the first backend that can answer, in their order, decided."""

    def __init__(self, count: int) -> None:
        self._turns = [Future[list[Subject]]() for _ in range(count)]

    def of(
        self, number: int, decide: Callable[[], list[Subject]]
    ) -> tuple[Sequence[Subject], bool]:
        """The questions of a backend, and whether it is the one that decides."""
        before = self._before(number)
        self._turns[number].set_result(before or decide())
        return self._turns[number].result(), not before

    def leave(self, number: int) -> None:
        """Whatever became of a backend, those after it can go on."""
        if not self._turns[number].done():
            self._turns[number].set_result(self._before(number))

    def decided(self) -> list[Subject]:
        return self._before(len(self._turns))

    def _before(self, number: int) -> list[Subject]:
        return self._turns[number - 1].result() if number else []


def answers_of_backend(
    kept: Kept,
    texts: Texts,
    methods: Sequence[str],
    questions: Questions,
    number: int,
    threads: int,
) -> Findings:
    """All of one backend's models; of one that ends in the middle nothing stands beside the
    others."""
    found, choice = Findings(), kept.choices[number]
    try:
        timeout = float(kept.header.run["timeout"])
        with answering(choice, timeout, threads, pinned=False) as answer:

            def model_of(weights: Weights) -> Model:
                return Model(answer, kept.plan.experiment, weights, texts.asking)

            trained = model_of(kept_weights(kept.folder, choice.cell))
            subjects, first = questions.of(number, lambda: _decided(kept, texts, trained))
            for label, of, weights in _models(kept, choice, first):
                model = trained if of == "backend" else model_of(weights)
                scores = {method: METHODS[method](model, subjects) for method in methods}
                if of == "backend":
                    looks = _looks(kept.folder, choice.cell)
                    _look_closer(found, kept.plan, looks, label, model, subjects, scores)
                found.models[label], found.cells[label] = of, choice
                for method, attributions in scores.items():
                    found.scores.setdefault(method, {})[label] = attributions
    except CellEnded as end:
        found.notes.append(f"{choice.cell.label} cannot be explained: {end.reason}")
        if end.status != "skipped":
            found.failed.append(choice.cell.label)
    return found


def _models(kept: Kept, choice: Choice, first: bool) -> Iterator[tuple[str, Of, Weights]]:
    """Every set of weights that is asked of one backend: what it trained, what its echo did and
    what it trained from other seeds and on shuffled labels; of the first also those from which all
    began."""
    cell = choice.cell
    yield cell.label, "backend", kept_weights(kept.folder, cell)
    echo = cell.model_copy(update={"echo": True})
    if kept.folder.weights(echo).is_file():
        yield f"{ECHO} of {cell.label}", "echo", kept_weights(kept.folder, echo)
    for seed, run in kept.seeds.items():
        if run.weights(cell).is_file():
            yield f"{cell.label}, seed {seed}", "seed", kept_weights(run, cell)
    if kept.shuffled and kept.shuffled.weights(cell).is_file():
        yield f"{cell.label}, {SHUFFLED}", "shuffled", kept_weights(kept.shuffled, cell)
    if first:
        yield INITIAL, "initial", kept.plan.weights


def _decided(kept: Kept, texts: Texts, model: Model) -> list[Subject]:
    """The questions, where the first model's own answers are what is asked about."""
    if not texts.undecided:
        return texts.subjects
    tokenizer = kept.plan.prepared.tokenizer
    assert tokenizer is not None
    names: Sequence[str] = tokenizer.tokens
    if texts.asking.reads == "class":
        names = class_names(kept.plan.experiment.data, classes_of(kept.plan.experiment))
    return decided(texts, model.choices(texts.subjects), names)


def answers_of_initial(
    kept: Kept,
    texts: Texts,
    methods: Sequence[str],
    subjects: Sequence[Subject],
    choice: Choice,
) -> Findings:
    """Of the weights from which all began, where no backend was asked about these yet."""
    found = Findings()
    try:
        with answering(choice, float(kept.header.run["timeout"])) as answer:
            model = Model(answer, kept.plan.experiment, kept.plan.weights, texts.asking)
            scores = {method: METHODS[method](model, subjects) for method in methods}
            found.models[INITIAL], found.cells[INITIAL] = "initial", choice
            found.scores = {method: {INITIAL: one} for method, one in scores.items()}
    except CellEnded as end:
        found.notes.append(f"weights that were not trained cannot be explained: {end.reason}")
    return found


def _looks(folder: RunFolder, cell: CellName) -> dict[int, dict[str, float]]:
    """By step the norms of the parameters that were kept, when the run looked for its target."""
    return {
        record.step: record.weight_norms
        for record in folder.records()
        if isinstance(record, Evaluated) and (record.cell, record.round) == (cell, 1)
        if record.weight_norms
    }


def _look_closer(
    found: Findings,
    plan: Plan,
    looks: Mapping[int, Mapping[str, float]],
    label: str,
    model: Model,
    subjects: Sequence[Subject],
    scores: Mapping[str, Sequence[Attribution]],
) -> None:
    """What is asked of what backends trained alone: faithfulness, activations and weights, maps."""
    rule, tokenizer = plan.prepared.rule, plan.prepared.tokenizer
    some = subjects[:MOST_DELETED]
    by_words = tokenizer is not None and tokenizer.unit in ("words", "spaces")
    of_rule = (lambda tokens: rule.log_odds(" ".join(tokens))) if rule and by_words else None
    faithful = []
    for method, attributions in scores.items():
        figures = faithfulness.faithfulness(model, some, attributions[: len(some)], of_rule)
        fields = {"method": method, "model": label, **told(figures)}
        faithful.append(Faithful.model_validate(fields))
    one_each = list({one.example: one for one in subjects}.values())  # whole outputs: the last
    inner = [
        *inside.activations_of(label, model, one_each),
        *inside.weights_of(label, model, plan.weights, looks),
    ]
    found.maps += kept_maps(label, model, one_each[:MOST_MAPPED])
    found.faithful += faithful
    found.inside += inner


def told(figures: truth.Rightness | faithfulness.Faithfulness) -> dict[str, Any]:
    """Their fields, intervals as estimates."""
    return {
        name: Estimate.of(value) if isinstance(value, Interval) else value
        for name, value in figures._asdict().items()
    }
