"""Explaining a run: every backend's kept weights are asked the same about the same texts."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from threading import Lock

from compare.explain import agreement, truth
from compare.explain.asking import (
    INITIAL,
    METHODS,
    Findings,
    Kept,
    Questions,
    answers_of_backend,
    answers_of_initial,
    told,
)
from compare.explain.attention import blocks_of, crossings_of
from compare.explain.subjects import Subject
from compare.explain.texts import Texts
from compare.meters.threads import usable_cpus
from compare.planning.plan import Plan
from compare.records.explanations import Agreed, Explained, Explanation, Right
from compare.records.values import Estimate
from compare.version import VERSION
from compare.worker.several import several

_AT_ONCE = 4
"""Backends that answer at the same time, each with its part of the CPUs"""

Watch = Callable[[str, int, int], None]


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
    """Ask every backend, several at once; one that cannot answer is named in the notes."""
    count, questions = len(kept.choices), Questions(len(kept.choices))
    at_once = min(_AT_ONCE, usable_cpus(), count)
    threads = usable_cpus() // at_once
    under_way, ended, lock = list[str](), list[str](), Lock()

    def tell() -> None:
        if under_way:
            watch(f"explaining {', '.join(under_way)}", len(ended), count)

    def explained(number: int) -> Findings:
        label = kept.choices[number].cell.label
        try:
            with lock:
                under_way.append(label)
                tell()
            return answers_of_backend(kept, texts, methods, questions, number, threads)
        finally:
            questions.leave(number)
            with lock:
                under_way.remove(label)
                ended.append(label)
                tell()

    parts = several([partial(explained, number) for number in range(count)], at_once)
    if INITIAL not in _together(parts).models:  # whoever was to be asked of it ended before
        parts += _initial(kept, texts, methods, questions, parts)
    return _explained(kept, texts, questions.decided(), _together(parts))


def _initial(
    kept: Kept, texts: Texts, methods: Sequence[str], questions: Questions, parts: list[Findings]
) -> list[Findings]:
    """Weights that were not trained, asked of the first backend that answered to the end."""
    able = [c for c, one in zip(kept.choices, parts, strict=True) if one.models and not one.notes]
    subjects = questions.decided()
    return [answers_of_initial(kept, texts, methods, subjects, choice) for choice in able[:1]]


def _together(parts: Sequence[Findings]) -> Findings:
    found = Findings()
    for part in parts:
        for method, by_model in part.scores.items():
            found.scores.setdefault(method, {}).update(by_model)
        found.models |= part.models
        found.cells |= part.cells
        for name in ("faithful", "inside", "maps", "notes", "failed"):
            getattr(found, name).extend(getattr(part, name))
    return found


def _explained(kept: Kept, texts: Texts, subjects: Sequence[Subject], found: Findings) -> Explained:
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
        rightness=[
            Right.model_validate({"method": method, "model": label, **told(figures)})
            for method, label, figures in truth.rightness_of(
                kept.plan.prepared, texts, subjects, found.scores
            )
        ],
        faithfulness=found.faithful,
        inside=found.inside,
        maps=found.maps,
        largest_gap=_largest_gaps(found),
        notes=found.notes,
        failed=found.failed,
        explanations=list(_explanations(subjects, found)),
    )


def _agreements(found: Findings) -> Iterator[Agreed]:
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


def _largest_gaps(found: Findings) -> dict[str, float]:
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


def _explanations(subjects: Sequence[Subject], found: Findings) -> Iterator[Explanation]:
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
