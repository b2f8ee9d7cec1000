"""Explaining a run: every backend's kept weights are asked the same about the same texts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from compare.contracts.task import class_names
from compare.explain import agreement, faithfulness, inside, truth
from compare.explain.attention import (
    blocks_of,
    cross_attention,
    crossings_of,
    kept_maps,
    rollout,
)
from compare.explain.found import Agreed, AttentionMap, Explained, Faithful, Inside, Right
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
from compare.explain.texts import Texts, classes_of, decided, words_of
from compare.explain.variants import Weights
from compare.planning.choice import Choice
from compare.planning.kept import kept_weights
from compare.planning.plan import Plan
from compare.records.explanations import Explanation, Of
from compare.records.record_types import Header
from compare.records.run_folder import RunFolder
from compare.records.values import Estimate
from compare.stats.intervals import Interval
from compare.version import VERSION
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

Watch = Callable[[str, int, int], None]


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
class _Findings:
    """What was found so far; scores by method and model."""

    scores: dict[str, dict[str, list[Attribution]]] = field(default_factory=dict)
    models: dict[str, Of] = field(default_factory=dict)
    cells: dict[str, Choice] = field(default_factory=dict)
    faithful: list[Faithful] = field(default_factory=list)
    inside: list[Inside] = field(default_factory=list)
    maps: list[AttentionMap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def methods_for(plan: Plan) -> list[str]:
    """Those that the model allows: attention can be followed where nothing else mixes places, and
    looked at where a decoder looks at an encoder."""
    model = plan.experiment.model
    chain = model.encoder or model.layers
    mixing = [layer for layer in chain if layer.kind in ("recurrent", "transformer_block")]
    without = set()
    if not mixing or len(blocks_of(chain)) < len(mixing) or model.encoder:
        without.add("rollout")
    if not crossings_of(model.layers):
        without.add("attention")
    return [name for name in METHODS if name not in without]


def explain_run(kept: Kept, texts: Texts, methods: Sequence[str], watch: Watch) -> Explained:
    """Ask every backend; one that cannot answer is named in the notes."""
    found, subjects = _Findings(), list[Subject]()
    for number, choice in enumerate(kept.choices):
        watch(f"explaining {choice.cell.label}", number, len(kept.choices))
        try:
            with answering(choice, float(kept.header.run["timeout"])) as answer:
                for label, of, weights in _models(kept, choice, first=not found.models):
                    model = Model(answer, kept.plan.experiment, weights, texts.asking)
                    subjects = subjects or _decided(kept, texts, model)
                    scores = {method: METHODS[method](model, subjects) for method in methods}
                    if of == "backend":
                        _look_closer(found, kept.plan, label, model, subjects, scores)
                    # Of one that ends in the middle nothing stands beside the others.
                    found.models[label], found.cells[label] = of, choice
                    for method, attributions in scores.items():
                        found.scores.setdefault(method, {})[label] = attributions
        except CellEnded as end:
            found.notes.append(f"{choice.cell.label} cannot be explained: {end.reason}")
            if end.status != "skipped":
                found.failed.append(choice.cell.label)
    return _explained(kept, texts, subjects, found)


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


def _look_closer(
    found: _Findings,
    plan: Plan,
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
        told = {"method": method, "model": label, **_told(figures)}
        faithful.append(Faithful.model_validate(told))
    one_each = list({one.example: one for one in subjects}.values())  # whole outputs: the last
    inner = [
        *inside.activations_of(label, model, one_each),
        *inside.weights_of(label, model, plan.weights),
    ]
    found.maps += kept_maps(label, model, one_each[:MOST_MAPPED])
    found.faithful += faithful
    found.inside += inner


def _told(figures: truth.Rightness | faithfulness.Faithfulness) -> dict[str, Any]:
    """Their fields, intervals as estimates."""
    return {
        name: Estimate.of(value) if isinstance(value, Interval) else value
        for name, value in figures._asdict().items()
    }


def _explained(
    kept: Kept, texts: Texts, subjects: Sequence[Subject], found: _Findings
) -> Explained:
    header = kept.header
    return Explained(
        run=str(kept.folder.path),
        task=header.experiment.task,
        preset=header.preset,
        command=header.command,
        suite_version=VERSION,
        function=texts.function,
        examples=len({one.example for one in subjects}),
        methods=list(found.scores),
        models=found.models,
        known=truth.whence(kept.plan.prepared, texts),
        agreements=list(_agreements(found)),
        rightness=list(_rightness(kept.plan, texts, subjects, found)),
        faithfulness=found.faithful,
        inside=found.inside,
        maps=found.maps,
        largest_gap=_largest_gaps(found),
        notes=found.notes,
        failed=found.failed,
        explanations=list(_explanations(subjects, found)),
    )


def _agreements(found: _Findings) -> Iterator[Agreed]:
    """Of every two backends; and of what rounding and another seed did, each with the backend whose
    model it is."""
    backends = [label for label, of in found.models.items() if of == "backend"]
    pairs = list(combinations(backends, 2))
    pairs += [
        (found.cells[label].cell.label, label)
        for label, of in found.models.items()
        if of in ("echo", "seed")
    ]
    for method, by_model in found.scores.items():
        for first, second in pairs:
            both = ([one.scores for one in by_model[label]] for label in (first, second))
            alike = agreement.agreement(*both)
            if alike:
                estimates = {name: Estimate.of(one) for name, one in alike._asdict().items()}
                yield Agreed(method=method, first=first, second=second, **estimates)


def _rightness(
    plan: Plan, texts: Texts, subjects: Sequence[Subject], found: _Findings
) -> Iterator[Right]:
    """Against the rule, word by word: a word's score is the sum of its tokens'."""
    tokenizer = plan.prepared.tokenizer
    known, words = [], []
    for one in subjects:
        answer = truth.known_of(plan.prepared, texts, one)
        if answer is None or tokenizer is None:
            return
        places = words_of(tokenizer, texts.originals[one.example], len(one.ids))
        words.append(np.array(places))
        count = places[-1] + 1  # what was cut off is not known to the model
        known.append(truth.Known(answer.shares[:count], answer.people[:count]))
    for method, by_model in found.scores.items():
        for label, attributions in by_model.items():
            scores = [
                np.bincount(places, one.scores, minlength=len(of.shares)).astype(np.float64)
                for places, one, of in zip(words, attributions, known, strict=True)
            ]
            figures = truth.rightness(scores, known)
            if figures:
                yield Right.model_validate({"method": method, "model": label, **_told(figures)})


def _largest_gaps(found: _Findings) -> dict[str, float]:
    gaps = {}
    for method, by_model in found.scores.items():
        every = [
            one
            for label, some in by_model.items()
            if found.models[label] == "backend"
            for one in some
        ]
        if every and every[0].baseline is not None:
            most = max(abs(one.value - (one.baseline or 0.0)) for one in every)
            gaps[method] = max(abs(one.gap or 0.0) for one in every) / (most or 1.0)
    return gaps


def _explanations(subjects: Sequence[Subject], found: _Findings) -> Iterator[Explanation]:
    for method, by_model in found.scores.items():
        for label, attributions in by_model.items():
            cell = found.cells[label].cell
            for one, attribution in zip(subjects, attributions, strict=True):
                yield Explanation(
                    model=label,
                    of=found.models[label],
                    backend=cell.backend,
                    mode=cell.mode,
                    example=one.example,
                    asked=one.asked,
                    method=method,
                    tokens=list(one.tokens),
                    scores=[float(f"{score:.9g}") for score in attribution.scores],
                    value=attribution.value,
                    baseline=attribution.baseline,
                    gap=attribution.gap,
                )
