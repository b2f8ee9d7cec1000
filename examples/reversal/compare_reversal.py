"""Reversing words, letter by letter: "word" becomes "drow"."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from compare.contracts import Example, Prepared
from compare.spec import (
    CrossAttention,
    Decoding,
    Dense,
    Embedding,
    ModelSpec,
    Recurrent,
    Section,
    Settings,
    generator,
)
from compare.stats import Interval, bootstrap
from compare.text.padded import Sequences, training, validation
from compare.text.tokens import BEGIN, END, PAD, UNKNOWN, train_tokenizer


class ReversalModel(Section):
    width: int = Field(default=64, gt=0, description="of embeddings and recurrent states")


class ReversalSettings(Settings):
    model: ReversalModel = ReversalModel()


class Reversal:
    name = "reversal"
    metrics = ("exact",)
    settings = ReversalSettings
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "small": {
            "optimizer": {"learning_rate": 0.005, "clip_norm": 1.0},
            "train": {"batch": 32, "sequence_length": 8, "steps": 500},
        },
        "tiny": {
            "model": {"width": 16},
            "train": {"batch": 8, "sequence_length": 8, "steps": 20, "validation_batches": 2},
        },
    }

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, ReversalSettings)
        train, held = rows(10_000, "train"), rows(1_000, "validation")
        words = (word for word, _ in train)
        tokenizer = train_tokenizer("chars", words, 30, (PAD, UNKNOWN, BEGIN, END))
        begin, end = tokenizer.id_of(BEGIN), tokenizer.id_of(END)
        length = settings.train.sequence_length

        def sides(rows: Sequence[tuple[str, str]]) -> dict[str, Sequences]:
            sources = [tokenizer.encode(word) for word, _ in rows]
            targets = [tokenizer.encode(word) for _, word in rows]
            return {
                "source": Sequences(sources, length),
                "target": Sequences(targets, length, begin, end),
            }

        trained = training(sides(train), settings.train)
        validated = validation(sides(held), settings.train)
        return Prepared(
            model(settings.model.width, len(tokenizer)),
            trained.arrays | validated.arrays,
            {"train": trained.cuts, "validation": validated.cuts},
            about={"source": "random words"},
            floor=0.0,
            ceilings={"exact": 1.0},
            examples=[Example(*row) for row in held[: validated.examples]],
            decoding=Decoding(begin=begin, end=end, max_length=length),
            tokenizer=tokenizer,
        )

    def quality(
        self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int
    ) -> dict[str, Interval]:
        """The share of words that are reversed without a mistake."""
        right = np.array([a == b for a, b in zip(wanted, outputs, strict=True)])
        return {"exact": bootstrap(np.mean, [right], resamples)}


task = Reversal()


def rows(count: int, split: str) -> list[tuple[str, str]]:
    """Words of three to seven letters, and the same reversed."""
    letters = list("abcdefghijklmnopqrstuvwxyz")
    random = generator(0, split)
    words = ["".join(random.choice(letters, random.integers(3, 8))) for _ in range(count)]
    return [(word, word[::-1]) for word in words]


def model(width: int, vocab: int) -> ModelSpec:
    """Two GRUs; the one that writes looks at what the other has read."""
    gru = {"cell": "gru", "inputs": width, "hidden": width, "layers": 1, "carry_state": False}
    return ModelSpec(
        encoder=(
            Embedding(name="source", vocab=vocab, dim=width),
            Recurrent(name="reader", **gru),
        ),
        layers=(
            Embedding(vocab=vocab, dim=width),
            Recurrent(name="writer", **gru),
            CrossAttention(width=width, memory=width, heads=1),
            Dense(name="head", inputs=width, outputs=vocab),
        ),
    )
