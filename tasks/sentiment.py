"""Sentiment: read a review, tell whether it is a good one.

Generated reviews have labels of known odds (`data/reviews.py`), so the best reachable accuracy and
loss are known. Scores are scikit-learn's.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import regex

from compare.contracts import Array, Example, Prepared, Quality, Rule
from compare.errors import UserError, unknown
from compare.sources.bad_rows import BadRows
from compare.sources.classes import find_classes, has_splits
from compare.sources.rows import Row, has_columns, read_labelled
from compare.sources.split import train_and_validation
from compare.spec import (
    GPT,
    AnyLayer,
    Dense,
    Dropout,
    Embedding,
    Initializer,
    LayerNorm,
    ModelSpec,
    Pool,
    PositionalEmbedding,
    Recurrent,
    Settings,
    TransformerBlock,
    generator,
)
from compare.text.padded import Sequences, training, validation
from compare.text.tokens import PAD, UNKNOWN, train_tokenizer

from .classes import judge
from .data import reviews
from .groups import groups_of, with_groups, with_twins
from .mitigation import mitigated
from .rationale import marked_words
from .sentiment_settings import SentimentModel, SentimentSettings, SentimentTask
from .texts import judged_rows, left_out, unknown_share, values

_GENERATED_TRAIN = 20_000
_GENERATED_VALIDATION = 2_000
_SHOWN = 20  # classes
_UNSEEN = regex.compile(r"\p{Cf}")
_MISSING = ("nan", "na", "n/a", "null", "none")
_RECIPE = {"learning_rate": 0.003, "clip_norm": 1.0, "schedule": "cosine", "warmup_steps": 50}


class Sentiment:
    name = "sentiment"
    metrics = ("accuracy", "f1", "auroc")
    best: Mapping[str, float] = dict.fromkeys(metrics, 1.0)
    settings = SentimentSettings
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "small": {
            "optimizer": _RECIPE,
            "train": {"batch": 64, "sequence_length": 32, "steps": 400, "validation_batches": 20},
        },
        "transformer": {
            "model": {"architecture": "transformer", "layers": 2},
            "optimizer": _RECIPE,
            "train": {"batch": 64, "sequence_length": 32, "steps": 1000, "validation_batches": 20},
        },
        # For an accelerator: the shape of a small BERT (Turc et al. 2019, table 1).
        "medium": {
            "model": {
                "architecture": "transformer",
                "embedding": 512,
                "hidden": 2048,
                "layers": 4,
                "heads": 8,
                "dropout": 0.1,
            },
            "optimizer": _RECIPE | {"learning_rate": 3e-4, "warmup_steps": 400},
            "train": {"batch": 64, "sequence_length": 256, "steps": 4000, "validation_batches": 30},
        },
        "tiny": {
            "model": {"embedding": 16, "hidden": 32},
            "train": {"batch": 8, "sequence_length": 32, "steps": 40, "validation_batches": 8},
            "run": {"roofline": False, "rounds": 1},
        },
    }

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, SentimentSettings)
        if settings.task.data is not None:
            return _from_files(settings, settings.task.data)
        return self._generated(settings)

    def quality(self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int) -> Quality:
        """`judge`, for classes without names of which none is the positive one."""
        return judge(wanted, outputs, resamples)

    def _generated(self, settings: SentimentSettings) -> Prepared:
        task = settings.task
        train = reviews.reviews(_GENERATED_TRAIN, "train", task.bias, task.share)
        held = reviews.reviews(_GENERATED_VALIDATION, "validation", task.bias, task.share)
        names = ["negative", "positive"]
        prepared = _prepare(
            settings,
            mitigated(
                [(review.text, review.biased) for review in train],
                [review.about for review in train],
                task.mitigation,
                positive=1,
                seed=settings.train.seed,
            ),
            [(review.text, review.label) for review in held],  # fair ones, whatever was trained on
            names,
            f"generated reviews, version {reviews.VERSION}",
        )
        prepared = with_twins(prepared, settings, train, held)
        # What the odds that the labels were drawn with score on these very examples.
        odds = [reviews.probability(example.text) for example in prepared.examples]
        wanted = [example.wanted for example in prepared.examples]
        judging = partial(judge, names=names, positive=1)
        best = judging(wanted, [(1 - p, p) for p in odds], resamples=0)
        floor = reviews.loss_floor(held[: len(prepared.examples)])
        rule = Rule(  # that of the training labels, which is what there is to be learnt
            partial(reviews.log_odds, bias=task.bias),
            partial(reviews.truth, bias=task.bias),
            reviews.of_people,
        )
        return replace(prepared, floor=floor, ceilings=values(best), quality=judging, rule=rule)


task = Sentiment()


def _from_files(settings: SentimentSettings, data: str) -> Prepared:
    task = settings.task
    bad = BadRows(skip=task.bad_rows == "skip")
    train, held, doubles = train_and_validation(
        lambda data, split: read_labelled(data, task.source, task.target, split, bad),
        data, task.split, task.validation, labelled=True, normalise=task.normalise,
    )  # fmt: skip
    # A class that is named in validation data of its own alone cannot be learnt, and is refused.
    names = sorted({name for _, name in (train if task.validation else train + held)})
    judged = judged_rows(held, task.judging(settings.train, len(held)), labelled=True)
    positive = _positive(task, names)
    rows: Sequence[tuple[str, int]] = _numbered(train, names)
    if task.group and task.mitigation:
        groups = groups_of(task, data, [text for text, _ in rows], held=False)
        which = 1 if positive is None else positive
        rows = mitigated(rows, groups, task.mitigation, which, settings.train.seed)
    prepared = _prepare(settings, rows, _numbered(judged, names), names, data)
    if task.group:
        prepared = with_groups(prepared, task, data)
    assert prepared.tokenizer is not None
    ids = [prepared.tokenizer.encode(example.text) for example in prepared.examples]
    about: dict[str, str | int | float] = {
        "normalise": task.normalise,
        "class_counts": _counted(train, held, names),
        **_files(data, task.split),
        **_twins(names),
        **left_out(bad, doubles),
        "validation_examples_of": len(held),
        "unknown_share": unknown_share(prepared.tokenizer, ids),
        "f1": f"of class '{task.positive}'" if task.positive else "mean of the classes (macro)",
    }
    return replace(
        prepared,
        about=prepared.about | about,
        quality=partial(judge, names=names, positive=positive),
        positive=1 if positive is None else positive,
        marked=marked_words(task, data, [example.text for example in prepared.examples]),
    )


def _counted(train: Sequence[Row], held: Sequence[Row], names: Sequence[str]) -> str:
    trained, kept = (Counter(name for _, name in rows) for rows in (train, held))
    shown = [f"{name}: {trained[name]:,} and {kept[name]:,}" for name in names[:_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join([*shown, *([f"and {more:,} more classes"] if more else [])])


def _files(data: str, split: str) -> dict[str, str]:
    """Which files name the classes, where any do."""
    if has_columns(data):
        return {}
    return {"class_files": find_classes(data, split if has_splits(data) else None).told()}


def _twins(names: Sequence[str]) -> dict[str, str]:
    """Classes that are likely to be meant as one, which differ in case, space or form alone, or as
    none."""
    groups: dict[str, list[str]] = {}
    for name in names:
        try:
            plain = repr(float(name))  # 1 and 1.0
        except ValueError:
            plain = " ".join(_UNSEEN.sub("", name).casefold().split())
        groups.setdefault(plain, []).append(name)
    twins = [" and ".join(map(repr, group)) for group in groups.values() if len(group) > 1]
    missing = [repr(name) for name in names if name.casefold() in _MISSING]
    told = {"similar_classes": ", ".join(twins), "missing_classes": ", ".join(missing)}
    return {key: text for key, text in told.items() if text}


def _positive(task: SentimentTask, names: Sequence[str]) -> int | None:
    if task.positive is None:
        return None
    if task.positive not in names:
        raise unknown("class", task.positive, names, where="task.positive")
    if len(names) > 2:
        raise UserError(
            f"task.positive is for two classes, and there are {len(names)}: their F1 is the mean"
        )
    return names.index(task.positive)


def _numbered(rows: Sequence[Row], names: list[str]) -> list[tuple[str, int]]:
    for _, name in rows:
        if name not in names:
            raise unknown("class", name, names, where="the validation data")
    return [(text, names.index(name)) for text, name in rows]


def _prepare(
    settings: SentimentSettings,
    train: Sequence[tuple[str, int]],
    held: Sequence[tuple[str, int]],
    names: Sequence[str],
    source: str,
) -> Prepared:
    """A classifier and its batches for texts and the numbers of their classes."""
    task, spec = settings.task, settings.train
    train = _shuffled(train, spec.seed) if task.shuffled else train
    texts = (text for text, _ in train)
    tokenizer = train_tokenizer(task.tokens, texts, settings.model.vocab, (PAD, UNKNOWN))

    def inputs(rows: Sequence[tuple[str, int]]) -> dict[str, Sequences]:
        ids = [tokenizer.encode(text) for text, _ in rows]
        return {"inputs": Sequences(ids, spec.sequence_length)}

    trained = training(inputs(train), spec, task.buckets, _labels(train))
    validated = validation(inputs(held), task.judging(spec, len(held)), _labels(held))
    layers = _layers(settings.model, len(tokenizer), spec.sequence_length, len(names))
    return Prepared(
        ModelSpec(layers=tuple(layers)),
        trained.arrays | validated.arrays,
        {"train": trained.cuts, "validation": validated.cuts},
        about={
            "source": source,
            "classes": ", ".join(names),
            "vocab": len(tokenizer),
            "unit": task.tokens,
            "train_examples": len(train),
            "validation_examples": validated.examples,
            "truncated_share": trained.truncated,
            "validation_truncated_share": validated.truncated,
            **({"labels": "shuffled"} if task.shuffled else {}),
        },
        examples=[Example(*row) for row in held[: validated.examples]],
        tokenizer=tokenizer,
    )


def _shuffled(rows: Sequence[tuple[str, int]], seed: int) -> list[tuple[str, int]]:
    """The same texts and the same labels, these in an order that has nothing to do with those."""
    order = generator(seed, "shuffled labels").permutation(len(rows))
    return [(text, rows[other][1]) for (text, _), other in zip(rows, order, strict=True)]


def _labels(rows: Sequence[tuple[str, int]]) -> Array:
    return np.array([label for _, label in rows], np.int32)


def _layers(model: SentimentModel, vocab: int, length: int, classes: int) -> Iterator[AnyLayer]:
    transformer, width = model.architecture == "transformer", model.embedding
    draw = GPT if transformer else Initializer(scale=0.1)
    yield Embedding(vocab=vocab, dim=width, initializer=draw)
    if transformer:
        yield PositionalEmbedding(length=length, dim=width)
    if model.dropout:
        yield Dropout(name="embedding_dropout", width=width, rate=model.dropout)
    if model.architecture == "transformer":
        for index in range(model.layers):
            yield TransformerBlock(
                name=f"block.{index}", width=width, heads=model.heads, hidden=model.hidden,
                blocks=model.layers, dropout=model.dropout, causal=False,
            )  # fmt: skip
        yield LayerNorm(width=width)
    else:
        yield Recurrent(
            cell=model.architecture, inputs=width, hidden=model.hidden, layers=model.layers,
            carry_state=False,
        )  # fmt: skip
        width = model.hidden
    yield Pool(how=model.pool)
    if model.dropout:
        yield Dropout(name="output_dropout", width=width, rate=model.dropout)
    yield Dense(name="head", inputs=width, outputs=classes)
