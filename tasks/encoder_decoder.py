"""What translation and summarisation share: encoder-decoders, and pairs of texts made into batches.

The recurrent model reads with one recurrent network and writes with another, which looks at what
was read by attention (Bahdanau et al. 2015; the dot products of Luong et al. 2015); the other is
the transformer of Vaswani et al. 2017, with the norm first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from compare.contracts import Example, Prepared, Quality
from compare.sources.bad_rows import BadRows
from compare.sources.lines import LONGEST_TEXT
from compare.sources.rows import Row, read_rows
from compare.sources.split import train_and_validation
from compare.spec import (
    GPT,
    AnyLayer,
    CrossAttention,
    Decoding,
    Dense,
    Dropout,
    Embedding,
    Initializer,
    LayerNorm,
    ModelSpec,
    PositionalEmbedding,
    Recurrent,
    Section,
    Settings,
    TiedHead,
    TransformerBlock,
)
from compare.text.padded import Sequences, training, validation
from compare.text.tokens import BEGIN, END, PAD, UNKNOWN, train_tokenizer

from .texts import RowsSection, judged_rows, left_out, spelt, unknown_share, values

Judge = Callable[[Sequence[Any], Sequence[Any], int], Quality]
"""`Task.quality`"""


class PairsTask(RowsSection):
    source: str | None = Field(default=None, description="column, or ending of the file, to read")
    target: str | None = Field(default=None, description="column, or ending, to write")
    source_length: int = Field(
        default=16, gt=0, le=LONGEST_TEXT, description="source tokens; more are cut off"
    )
    beams: int = Field(default=1, gt=0, description="hypotheses of beam search; 1 is greedy")
    length_penalty: float = Field(default=1.0, ge=0, description="0 prefers short outputs")

    @model_validator(mode="after")
    def _lengths_are_compared(self) -> "PairsTask":
        if self.beams == 1 and self.length_penalty != 1:
            raise ValueError("length_penalty is of beam search: take two beams or more")
        return self


class PairsModel(Section):
    architecture: Literal["elman", "lstm", "gru", "transformer"] = Field(
        default="transformer", description="kind of the layers between embedding and head"
    )
    vocab: int = Field(default=10_000, gt=4, description="most frequent tokens of both sides")
    embedding: int = Field(default=128, gt=0, description="width of embedding and transformer")
    hidden: int = Field(default=256, gt=0, description="recurrent state, or feed-forward width")
    layers: int = Field(default=2, gt=0, le=1000, description="of the encoder, and of the decoder")
    heads: int = Field(default=4, gt=0, description="attention heads")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="share that is dropped")
    tied: bool = Field(default=False, description="the head uses the decoder's embedding")

    @model_validator(mode="after")
    def _fits_together(self) -> "PairsModel":
        width = self.width()
        if width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {width}")
        if self.tied and width != self.embedding:
            raise ValueError("a tied head needs hidden and embedding to be equal")
        return self

    def width(self) -> int:
        """Of what attention looks at, and of what the head is given."""
        return self.embedding if self.architecture == "transformer" else self.hidden


class PairsSettings(Settings):
    task: PairsTask = PairsTask()
    model: PairsModel = PairsModel()


def prepare_files(settings: PairsSettings, data: str) -> Prepared:
    """From a user's files or dataset; raises UserError for what cannot be used."""
    task = settings.task
    bad = BadRows(skip=task.bad_rows == "skip")
    train, held, doubles = train_and_validation(
        lambda data, split: read_rows(data, task.source, task.target, split, bad),
        data, task.split, task.validation, normalise=task.normalise,
    )  # fmt: skip
    spec = task.judging(settings.train, len(held))
    judged = judged_rows(held, spec)
    about = {
        "source": data,
        "normalise": task.normalise,
        "validation_examples_of": len(held),
        **left_out(bad, doubles),
    }
    prepared = prepare_pairs(settings, train, judged, about)
    return replace(prepared, about=prepared.about | _spelt(prepared, settings))


def prepare_pairs(
    settings: PairsSettings, train: Sequence[Row], held: Sequence[Row], about: dict[str, Any]
) -> Prepared:
    """An encoder-decoder and its batches for pairs of (source, target) texts; of those `held` the
    first are judged."""
    task, spec = settings.task, settings.train
    specials = (PAD, UNKNOWN, BEGIN, END)
    texts = (text for row in train for text in row)
    tokenizer = train_tokenizer(task.tokens, texts, settings.model.vocab, specials)
    begin, end = tokenizer.id_of(BEGIN), tokenizer.id_of(END)

    def sides(rows: Sequence[Row]) -> dict[str, Sequences]:
        source = [tokenizer.encode(text) for text, _ in rows]
        target = [tokenizer.encode(text) for _, text in rows]
        return {
            "source": Sequences(source, task.source_length),
            "target": Sequences(target, spec.sequence_length, begin, end),
        }

    trained = training(sides(train), spec, task.buckets)
    validated = validation(sides(held), task.judging(spec, len(held)))
    vocab = len(tokenizer)
    model = ModelSpec(
        encoder=tuple(_encoder(settings.model, vocab, task.source_length)),
        layers=tuple(_decoder(settings.model, vocab, spec.sequence_length)),
    )
    return Prepared(
        model,
        trained.arrays | validated.arrays,
        {"train": trained.cuts, "validation": validated.cuts},
        about={
            **about,
            "vocab": vocab,
            "unit": task.tokens,
            "train_examples": len(train),
            "validation_examples": validated.examples,
            "truncated_share": trained.truncated,
            "validation_truncated_share": validated.truncated,
        },
        examples=[Example(*row) for row in held[: validated.examples]],
        decoding=Decoding(
            begin=begin, end=end, max_length=spec.sequence_length, beams=task.beams,
            length_penalty=task.length_penalty,
        ),
        tokenizer=tokenizer,
    )  # fmt: skip


def reachable(prepared: Prepared, quality: Judge) -> dict[str, float]:
    """What an output scores that says token by token what is wanted, as well as the tokens can
    write it and the length allows; metrics in which that is all of 100 are left out."""
    assert prepared.tokenizer is not None
    assert prepared.decoding is not None
    wanted = [example.wanted for example in prepared.examples]
    length, tokenizer = prepared.decoding.max_length, prepared.tokenizer
    exact = [tokenizer.decode(tokenizer.encode(text)[:length]) for text in wanted]
    return {n: value for n, value in values(quality(wanted, exact, 0)).items() if value < 99.995}


def _spelt(prepared: Prepared, settings: PairsSettings) -> dict[str, str | int | float]:
    """Of the texts that are judged, what bits per byte of their targets need, an end counting as
    one byte, the line's end, and the share of unknown tokens in both sides."""
    tokenizer, width = prepared.tokenizer, settings.train.sequence_length
    assert tokenizer is not None
    sources = [tokenizer.encode(example.text) for example in prepared.examples]
    targets = [tokenizer.encode(example.wanted) for example in prepared.examples]
    end = [tokenizer.id_of(END)], [1]
    ids = [np.append(row, end[0])[:width] for row in targets]
    texts = (example.wanted for example in prepared.examples)
    sizes = [np.append(tokenizer.sizes(text), end[1])[:width] for text in texts]
    return {
        "validation_tokens": sum(map(len, ids)),
        "unknown_share": unknown_share(tokenizer, sources + targets),
        **spelt(np.concatenate(ids), np.concatenate(sizes), tokenizer),
    }


def _encoder(model: PairsModel, vocab: int, length: int) -> Iterator[AnyLayer]:
    yield from _embedded(model, vocab, length, "source")
    if model.architecture == "transformer":
        yield from _blocks(model, "encoder", causal=False, memory=None)
    else:
        yield _recurrent(model, "encoder")


def _decoder(model: PairsModel, vocab: int, length: int) -> Iterator[AnyLayer]:
    width = model.width()
    yield from _embedded(model, vocab, length, "embedding")
    if model.architecture == "transformer":
        yield from _blocks(model, "decoder", causal=True, memory=width)
    else:
        yield _recurrent(model, "decoder")
        yield CrossAttention(
            name="attention", width=width, memory=width, heads=model.heads, dropout=model.dropout,
            initializer=Initializer(scale=width**-0.5),  # as the recurrent layers beside it
        )  # fmt: skip
        if model.dropout:
            yield Dropout(name="output_dropout", width=width, rate=model.dropout)
    yield TiedHead() if model.tied else Dense(name="head", inputs=width, outputs=vocab)


def _embedded(model: PairsModel, vocab: int, length: int, name: str) -> Iterator[AnyLayer]:
    transformer, width = model.architecture == "transformer", model.embedding
    draw = GPT if transformer else Initializer(scale=0.1)
    yield Embedding(name=name, vocab=vocab, dim=width, initializer=draw)
    if transformer:
        yield PositionalEmbedding(name=f"{name}_positions", length=length, dim=width)
    if model.dropout:
        yield Dropout(name=f"{name}_dropout", width=width, rate=model.dropout)


def _recurrent(model: PairsModel, name: str) -> Recurrent:
    assert model.architecture != "transformer"
    return Recurrent(
        name=name, cell=model.architecture, inputs=model.embedding, hidden=model.hidden,
        layers=model.layers, carry_state=False,
    )  # fmt: skip


def _blocks(model: PairsModel, name: str, causal: bool, memory: int | None) -> Iterator[AnyLayer]:
    for index in range(model.layers):
        yield TransformerBlock(
            name=f"{name}.{index}", width=model.embedding, heads=model.heads, hidden=model.hidden,
            blocks=model.layers, dropout=model.dropout, causal=causal, memory=memory,
        )  # fmt: skip
    yield LayerNorm(name=f"{name}_norm", width=model.embedding)
