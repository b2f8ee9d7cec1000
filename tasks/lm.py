"""Language modelling: predict the next token of a text.

The default is the classic small recurrent language model: vocabulary 10,000, embedding 200,
two Elman layers of 200, Adam at 0.001, batches of 20 contiguous streams, 35 steps of
backpropagation through time, the hidden state carried from batch to batch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from compare.contracts import Array, Prepared, Quality
from compare.errors import UserError
from compare.meters.cost import require_memory_for
from compare.sources.bad_rows import BadRows
from compare.sources.plain import open_texts
from compare.sources.stream import tokenise_text
from compare.spec import (
    GPT,
    AnyLayer,
    Cut,
    Dense,
    Dropout,
    Embedding,
    Initializer,
    LayerNorm,
    ModelSpec,
    PositionalEmbedding,
    Recurrent,
    Settings,
    TiedHead,
    TrainSpec,
    TransformerBlock,
    generator,
)
from compare.text.tokens import UNKNOWN, Words

from . import review_text
from .data.markov import VERSION, Language
from .lm_settings import LmModel, LmSettings
from .texts import left_out, spelt, times_spelt_out

_GENERATED_TRAIN = 1_000_000
_GENERATED_VALIDATION = 100_000


class LanguageModelling:
    name = "lm"
    metrics: tuple[str, ...] = ()  # perplexity follows from the loss
    settings = LmSettings
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "small": {},
        "tiny": {
            "model": {"vocab": 200, "embedding": 16, "hidden": 16},
            "train": {"batch": 4, "sequence_length": 8, "steps": 60, "validation_batches": 4},
            "run": {"roofline": False, "rounds": 1},
        },
        # Zaremba et al. 2014, section 4.1, small model; an epoch there is 2,323 steps.
        "lstm": {
            "model": {"architecture": "lstm"},
            "optimizer": {
                "name": "sgd",
                "learning_rate": 1.0,
                "clip_norm": 5.0,
                "schedule": "step",
                "decay_after": 3 * 2323,
                "decay_every": 2323,
                "decay_factor": 0.5,
            },
            "train": {"sequence_length": 20},
        },
        "gru": {"model": {"architecture": "gru"}},
        # The small CPU recipe of nanoGPT for characters (config/train_shakespeare_char.py, README).
        "gpt": {
            "model": {
                "architecture": "gpt",
                "embedding": 128,
                "hidden": 512,
                "layers": 4,
                "heads": 4,
                "tied": True,
            },
            "optimizer": {
                "name": "adamw",
                "learning_rate": 1e-3,
                "beta2": 0.99,
                "weight_decay": 0.1,
                "clip_norm": 1.0,
                "schedule": "cosine",
                "warmup_steps": 100,
                "final_learning_rate": 1e-4,
            },
            "train": {"batch": 12, "sequence_length": 64, "steps": 2000},
        },
        # For an accelerator: the shape of GPT-2's smallest model (Radford et al. 2019, table 2).
        "medium": {
            "model": {
                "architecture": "gpt",
                "embedding": 768,
                "hidden": 3072,
                "layers": 12,
                "heads": 12,
                "tied": True,
            },
            "optimizer": {
                "name": "adamw",
                "learning_rate": 6e-4,
                "beta2": 0.95,
                "weight_decay": 0.1,
                "clip_norm": 1.0,
                "schedule": "cosine",
                "warmup_steps": 200,
                "final_learning_rate": 6e-5,
            },
            "train": {"batch": 16, "sequence_length": 512, "steps": 2000},
        },
    }

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, LmSettings)
        if settings.task.data is None:
            return _generated(settings)
        return _from_text(settings, settings.task.data)

    def quality(self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int) -> Quality:
        return {}


task = LanguageModelling()


def _generated(settings: LmSettings) -> Prepared:
    require_memory_for(_model(settings, settings.model.vocab))  # a language has as many words
    language = Language.of(settings.model.vocab)
    text = language.sample(_GENERATED_TRAIN + _GENERATED_VALIDATION)
    train, validation = text[:_GENERATED_TRAIN], text[_GENERATED_TRAIN:]
    prepared = _planned(settings, train, validation, settings.model.vocab)
    at = _inputs(prepared, "validation")
    about: dict[str, str | int | float] = {
        "source": f"generated Markov language, version {VERSION}",
        "vocab": settings.model.vocab,
        "train_tokens": len(train),
        "validation_tokens": at.size,
        # What the true language itself scores on these very tokens: the floor, sampled.
        "validation_floor": language.loss(validation[at], validation[at + 1]),
    }
    words = [UNKNOWN, *(f"w{index}" for index in range(1, settings.model.vocab))]
    tokenizer = Words(words, specials=(UNKNOWN,))  # names for the ids, to generate with
    return replace(prepared, about=about, floor=language.entropy_rate(), tokenizer=tokenizer)


def _from_text(settings: LmSettings, data: str) -> Prepared:
    task = settings.task
    bad = BadRows(skip=task.bad_rows == "skip")
    text, held = (
        review_text.open_reviews(task.share)
        if data == review_text.NAME
        else open_texts(data, task.validation, task.split, task.column, bad)
    )
    found = tokenise_text(text, task.tokens, settings.model.vocab, held, task.normalise)
    if held is not None and len({*found.sha256.split(",")}) == 1:
        raise UserError(f"task.validation={task.validation} is the text that is trained on")
    vocab = max(2, len(found.tokenizer))  # a short text has fewer words than were asked for
    prepared = _planned(settings, found.train, found.validation, vocab)
    judged = _inputs(prepared, "validation") + 1  # what is predicted there
    about: dict[str, str | int | float] = {
        "source": data,
        "unit": task.tokens,
        "normalise": task.normalise,
        "vocab": vocab,
        "train_tokens": len(found.train),
        "validation_tokens": judged.size,
        "validation_tokens_of": len(found.validation),
        "unknown_share": found.unknown_share(),
        **spelt(found.validation[judged], found.sizes[judged], found.tokenizer),
        **left_out(bad),
    }
    if task.judge == "all":
        about["judged"] = "all"
    if times := times_spelt_out(found.validation, found.tokenizer):
        about["unknown_spelt_out"] = times
    if data == review_text.NAME and task.share != 0.5:
        about["share"] = task.share
    twins = review_text.twin_texts(task.share) if data == review_text.NAME else None
    return replace(prepared, about=about, tokenizer=found.tokenizer, twin_texts=twins)


def _planned(settings: LmSettings, train: Array, validation: Array, vocab: int) -> Prepared:
    """Model and batches over the two splits' tokens; raises UserError if one is too short."""
    spec = settings.train
    judged = settings.task.judging(spec, len(validation))
    starts = _starts(len(train), "training", spec, spec.steps)
    if settings.model.architecture == "gpt":  # it carries no state that would need what came before
        last = len(train) - spec.sequence_length
        starts = generator(spec.seed, "starts").integers(0, last, starts.shape)
    arrays = {
        "train": train,
        "train.starts": starts,
        "validation": validation,
        "validation.starts": _starts(
            len(validation), "validation", spec, judged.validation_batches, repeat=False
        ),
    }
    splits = {split: _cuts(split, spec.sequence_length) for split in ("train", "validation")}
    return Prepared(_model(settings, vocab), arrays, splits, about={})


def _model(settings: LmSettings, vocab: int) -> ModelSpec:
    length = settings.train.sequence_length
    return ModelSpec(layers=tuple(_layers(settings.model, vocab, length)))


def _cuts(split: str, width: int) -> dict[str, Cut]:
    cut = Cut(array=split, starts=f"{split}.starts", width=width)
    return {"inputs": cut, "targets": cut.model_copy(update={"offset": 1})}


def _layers(model: LmModel, vocab: int, length: int) -> Iterator[AnyLayer]:
    gpt, width = model.architecture == "gpt", model.embedding
    yield Embedding(vocab=vocab, dim=width, initializer=GPT if gpt else Initializer(scale=0.1))
    if gpt:
        yield PositionalEmbedding(length=length, dim=width)
    if model.dropout:
        yield Dropout(name="embedding_dropout", width=width, rate=model.dropout)
    if model.architecture == "gpt":
        for index in range(model.layers):
            yield TransformerBlock(
                name=f"block.{index}", width=width, heads=model.heads, hidden=model.hidden,
                blocks=model.layers, dropout=model.dropout,
            )  # fmt: skip
        yield LayerNorm(width=width)
    else:
        yield Recurrent(
            cell=model.architecture, inputs=width, hidden=model.hidden, layers=model.layers
        )
        width = model.hidden
        if model.dropout:
            yield Dropout(name="output_dropout", width=width, rate=model.dropout)
    if model.tied:
        yield TiedHead()
    else:
        yield Dense(name="head", inputs=width, outputs=vocab, initializer=GPT if gpt else None)


def _starts(tokens: int, split: str, train: TrainSpec, steps: int, repeat: bool = True) -> Array:
    """Where each row of each step begins, (steps, batch) int64.

    The text is cut into `batch` contiguous streams; step by step each row moves on by
    `sequence_length`, so that a carried hidden state goes on where it stopped. A text shorter
    than `steps` starts again from its beginning, or with `repeat=False` ends early.
    """
    stream = tokens // train.batch
    per_epoch = (stream - 1) // train.sequence_length  # one more token is the last target
    if per_epoch < 1:
        least = train.batch * (train.sequence_length + 1)
        raise UserError(
            f"the {split} split has {tokens:,} tokens, too short for one batch: "
            f"{train.batch} rows of {train.sequence_length} tokens need {least:,}"
        )
    step = np.arange(steps if repeat else min(steps, per_epoch)) % per_epoch
    starts: Array = step[:, None] * train.sequence_length + np.arange(train.batch) * stream
    return starts


def _inputs(prepared: Prepared, split: str) -> Array:
    """Every position of a split that is an input in some batch, flat."""
    cut = prepared.splits[split]["inputs"]
    starts = prepared.arrays[cut.starts]
    positions: Array = (starts[..., None] + np.arange(cut.width)).reshape(-1)
    return positions
