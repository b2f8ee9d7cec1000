"""What all tasks share that read texts: which rows are judged, and what is said of the data."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from compare.contracts import Array, Quality
from compare.sources.bad_rows import BadRows
from compare.sources.rows import Row
from compare.sources.split import drawn
from compare.spec import TaskSection, TrainSpec
from compare.text.tokens import UNKNOWN, Tokenizer, Unit
from compare.text.words import Normalise


class TextSection(TaskSection):
    normalise: Normalise = Field(
        default="nfc", description="characters are composed on reading (Unicode's form C), or left"
    )
    judge: Literal["sample", "all"] = Field(
        default="sample", description="of the validation data: train.validation_batches, or all"
    )

    bad_rows: Literal["refuse", "skip"] = Field(
        default="refuse", description="rows that are empty, too long or of other columns"
    )
    of_data: ClassVar[tuple[str, ...]] = (
        "validation", "split", "source", "target", "column", "normalise", "positive",
        "rationale", "group", "bleu_tokenize", "bad_rows",
    )  # fmt: skip
    """Fields that have no say where the corpus is generated"""

    @model_validator(mode="after")
    def _has_data_to_say_it_of(self) -> Self:
        for name, field in type(self).model_fields.items():
            given = getattr(self, name) != field.default
            if self.data is None and name in self.of_data and given:
                raise ValueError(f"{name} is of --data, and this corpus is generated")
        return self

    def judging(self, train: TrainSpec, examples: int) -> TrainSpec:
        """The training with as many validation batches as are to be judged."""
        if self.judge == "sample":
            return train
        return train.model_copy(update={"validation_batches": max(1, -(-examples // train.batch))})


class RowsSection(TextSection):
    """What tasks share whose data is rows."""

    split: str = Field(default="train", description="of a dataset (hf:...) to train on")
    validation: str | None = Field(
        default=None, description="data, or a dataset's split, to validate on; else a tenth"
    )
    tokens: Unit = Field(default="words", description="what texts are cut into")
    buckets: int = Field(default=1, gt=0, le=4, description="groups of like length in training")


def judged_rows(held: Sequence[Row], train: TrainSpec, labelled: bool = False) -> list[Row]:
    """As many validation rows as `train` has room for, drawn from anywhere among them."""
    return drawn(held, train.validation_batches * train.batch, labelled)


def left_out(bad: BadRows, doubles: int = 0) -> dict[str, str | int]:
    """What of the data was not taken, of which nothing is passed over in silence."""
    found: dict[str, str | int] = {"bad_rows": bad.told()} if bad.kinds else {}
    return found | ({"doubles": doubles} if doubles else {})


def values(quality: Quality) -> dict[str, float]:
    """The metrics that can be given, without their intervals."""
    return {name: score.value for name, score in quality.items() if not isinstance(score, str)}


def unknown_share(tokenizer: Tokenizer, rows: Sequence[Array]) -> float:
    """Of the tokens of some texts, how many are `<unk>`."""
    tokens = sum(map(len, rows))
    if UNKNOWN not in tokenizer.specials or not tokens:
        return 0.0
    unknown = tokenizer.id_of(UNKNOWN)
    return sum(int(np.sum(row == unknown)) for row in rows) / tokens


def spelt(ids: Array, sizes: Array, tokenizer: Tokenizer) -> dict[str, int]:
    """Bytes of the text that tokens stand for, and of those that are `<unk>` the bytes, of which a
    summary makes bits per byte."""
    unknown = tokenizer.id_of(UNKNOWN) if UNKNOWN in tokenizer.specials else -1
    of_unknown = int(sizes[ids == unknown].sum(dtype=np.int64))
    return {"validation_bytes": int(sizes.sum(dtype=np.int64)), "unknown_bytes": of_unknown}


def times_spelt_out(ids: Array, tokenizer: Tokenizer) -> int:
    """How often a text has `<unk>` in it as three words: it was tokenised already, by others."""
    try:
        begin, name, end = map(tokenizer.id_of, ("<", "unk", ">"))
    except KeyError:
        return 0
    return int(np.sum((ids[:-2] == begin) & (ids[1:-1] == name) & (ids[2:] == end)))
