"""What can be set of language modelling: its text, and its model."""

from typing import Any, Literal

from pydantic import Field, model_validator

from compare.spec import Section, Settings
from compare.text.tokens import Unit

from . import review_text
from .texts import TextSection


class LmTask(TextSection):
    of_data = (*TextSection.of_data, "tokens")

    data: str | None = Field(
        default=None,
        description="files, pydoc, reviews or hf:NAME to read; else a corpus is generated",
    )
    tokens: Unit = Field(default="words", description="what the text of --data is cut into")
    validation: str | None = Field(
        default=None, description="text, or a dataset's split, to validate on; else the last tenth"
    )
    split: str = Field(default="train", description="of a dataset (hf:...) to train on")
    column: str = Field(default="text", description="of a table or dataset to read")
    share: float = Field(
        default=0.5, gt=0, lt=1, description="of women whom the text of --data reviews speaks of"
    )

    @model_validator(mode="after")
    def _reviews_are_generated(self) -> "LmTask":
        if self.data != review_text.NAME and self.share != 0.5:
            raise ValueError(f"share is of --data {review_text.NAME}")
        given = [f for f in ("validation", "split", "column") if getattr(self, f) != _usual(f)]
        if self.data == review_text.NAME and given:
            raise ValueError(f"{given[0]} is of data of your own, and these reviews are generated")
        return self


def _usual(field: str) -> Any:
    return LmTask.model_fields[field].default


class LmModel(Section):
    architecture: Literal["elman", "lstm", "gru", "gpt"] = Field(
        default="elman", description="kind of the layers between embedding and head"
    )
    vocab: int = Field(default=10_000, gt=1, description="most frequent tokens that are kept")
    embedding: int = Field(default=200, gt=0, description="width of the embedding, and of gpt")
    hidden: int = Field(default=200, gt=0, description="recurrent state, or gpt's feed-forward")
    layers: int = Field(default=2, gt=0, le=1000, description="recurrent layers, or blocks of gpt")
    heads: int = Field(default=4, gt=0, description="attention heads of gpt")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="share that is dropped")
    tied: bool = Field(default=False, description="the head uses the embedding's table")

    @model_validator(mode="after")
    def _fits_together(self) -> "LmModel":
        if self.architecture == "gpt" and self.embedding % self.heads:
            raise ValueError(f"{self.heads} heads do not divide an embedding of {self.embedding}")
        if self.tied and self.architecture != "gpt" and self.hidden != self.embedding:
            raise ValueError("a tied head needs hidden and embedding to be equal")
        return self


class LmSettings(Settings):
    task: LmTask = LmTask()
    model: LmModel = LmModel()
