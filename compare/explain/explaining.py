"""Explaining a run: every backend's kept weights are asked the same about the same texts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from compare.explain import agreement, faithfulness, inside, truth
from compare.explain.attention import (
    attention_maps,
    blocks_of,
    cross_attention,
    cross_maps,
    crossings_of,
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
from compare.explain.texts import Texts, decided, words_of
from compare.explain.variants import Weights
from compare.planning.choice import Choice
from compare.planning.plan import Plan
from compare.records.explanations import Explanation, Of
from compare.records.record_types import Header
from compare.records.run_folder import RunFolder
from compare.records.values import Estimate
from compare.spec.inputs import read_arrays
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
ECHO, INITIAL = "echo", "not trained"

MOST_DELETED = 50
"""Texts of which words are left out to see whether explanations are faithful"""
MOST_MAPPED = 3
"""Texts whose attention maps are kept"""

Watch = Callable[[str, int, int], None]


class Kept(NamedTuple):
    """A run with weights, the plan that its data was made anew by, the cells that are asked, and
    folders of runs that differ in their seed alone, by that."""

    folder: RunFolder
    header: Header
    plan: Plan
    choices: Sequence[Choice]
    seeds: Mapping[int, RunFolder]


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
                    found.models[label], found.cells[label] = of, choice
                    for method in methods:
                        attributions = METHODS[method](model, subjects)
                        found.scores.setdefault(method, {})[label] = attributions
                    if of == "backend":
                        _look_closer(found, kept.plan, label, model, subjects)
        except CellEnded as end:
            found.notes.append(f"{choice.cell.label} cannot be explained: {end.reason}")
    return _explained(kept, texts, subjects, found)


def _models(kept: Kept, choice: Choice, first: bool) -> Iterator[tuple[str, Of, Weights]]:
    """Every set of weights that is asked of one backend: what it trained, what its echo did and
    what it trained from other seeds; of the first also those from which all began."""
    cell = choice.cell
    yield cell.label, "backend", read_arrays(kept.folder.weights(cell))
    echo = kept.folder.weights(cell.model_copy(update={"echo": True}))
    if echo.is_file():
        yield f"{ECHO} of {cell.label}", "echo", read_arrays(echo)
    for seed, run in kept.seeds.items():
        if run.weights(cell).is_file():
            yield f"{cell.label}, seed {seed}", "seed", read_arrays(run.weights(cell))
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
        names = str(kept.plan.experiment.data["classes"]).split(", ")
    return decided(texts, model.choices(texts.subjects), names)


def _look_closer(
    found: _Findings, plan: Plan, label: str, model: Model, subjects: Sequence[Subject]
) -> None:
    """What is asked of what backends trained alone: faithfulness, activations and weights, maps."""
    rule, tokenizer = plan.prepared.rule, plan.prepared.tokenizer
    some = subjects[:MOST_DELETED]
    for method, by_model in found.scores.items():
        of_rule = (lambda tokens: rule.log_odds(" ".join(tokens))) if rule else None
        if tokenizer is None or tokenizer.unit not in ("words", "spaces"):
            of_rule = None
        figures = faithfulness.faithfulness(model, some, by_model[label][: len(some)], of_rule)
        found.faithful.append(
            Faithful.model_validate({"method": method, "model": label, **_told(figures)})
        )
    one_each = list({one.example: one for one in subjects}.values())  # whole outputs: the last
    found.inside += [
        *inside.activations_of(label, model, one_each),
        *inside.weights_of(label, model),
    ]
    found.maps += _maps(label, model, one_each[:MOST_MAPPED])


def _told(figures: truth.Rightness | faithfulness.Faithfulness) -> dict[str, Any]:
    """Their fields, intervals as estimates."""
    return {
        name: Estimate.of(value) if isinstance(value, Interval) else value
        for name, value in figures._asdict().items()
    }


def _maps(label: str, model: Model, subjects: Sequence[Subject]) -> list[AttentionMap]:
    return [
        AttentionMap(
            model=label,
            block=of_layer.layer,
            head=head,
            example=one.example,
            tokens=list(one.tokens),
            weights=np.round(weights[:looking, : len(one.ids)], 4).tolist(),
            gap=of_layer.gap,
        )
        for maps, crosses in (
            (attention_maps(model, subjects), False),
            (cross_maps(model, subjects), True),
        )
        for of_layer in maps
        for row, one in enumerate(subjects)
        for looking in [len(one.prefix) if crosses else len(one.ids)]
        for head, weights in enumerate(of_layer.weights[row])
    ]


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
