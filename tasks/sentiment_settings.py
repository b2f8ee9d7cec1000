"""What can be set of the sentiment task: its data, groups and biases, and its model."""

from typing import Literal

from pydantic import Field, model_validator

from compare.spec import Section, Settings

from .mitigation import Mitigation
from .texts import RowsSection


class SentimentTask(RowsSection):
    source: str | None = Field(default=None, description="column of the text")
    target: str | None = Field(default=None, description="column of the label")
    positive: str | None = Field(
        default=None, description="class, of two, that F1 is of; else the mean over classes"
    )
    group: str | None = Field(
        default=None, description="column of the group that a text speaks of; never an input"
    )
    mitigation: str = Field(
        default="", description="of training rows: reweigh:STRENGTH, parity:..., tpr:..."
    )
    bias: int = Field(
        default=0, ge=0, le=16, description="strength against women in generated training labels"
    )
    share: float = Field(
        default=0.5, gt=0, lt=1, description="of women among whom generated reviews speak of"
    )
    rationale: str | None = Field(
        default=None, description="column of the words that people marked as the reason"
    )
    shuffled: bool = Field(
        default=False, description="training labels change places: there is nothing to be learnt"
    )

    @model_validator(mode="after")
    def _bias_is_of_what_is_generated(self) -> "SentimentTask":
        if self.data is not None and (self.bias or self.share != 0.5):
            raise ValueError("bias and share are of the generated reviews, and --data is your own")
        return self

    @model_validator(mode="after")
    def _mitigation_is_known(self) -> "SentimentTask":
        if self.mitigation:
            Mitigation.read(self.mitigation)
            if self.data is not None and self.group is None:
                raise ValueError("mitigation needs groups: name their column by task.group")
        return self


class SentimentModel(Section):
    architecture: Literal["elman", "lstm", "gru", "transformer"] = Field(
        default="gru", description="kind of the layers between embedding and head"
    )
    vocab: int = Field(default=10_000, gt=2, description="most frequent tokens that are kept")
    embedding: int = Field(default=64, gt=0, description="width of embedding and transformer")
    hidden: int = Field(default=128, gt=0, description="recurrent state, or feed-forward width")
    layers: int = Field(default=1, gt=0, le=1000, description="recurrent layers, or blocks")
    heads: int = Field(default=4, gt=0, description="attention heads of the transformer")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="share that is dropped")
    pool: Literal["mean", "max", "last"] = Field(
        default="mean", description="what is made of all positions: one vector"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "SentimentModel":
        if self.architecture == "transformer" and self.embedding % self.heads:
            raise ValueError(f"{self.heads} heads do not divide an embedding of {self.embedding}")
        return self


class SentimentSettings(Settings):
    task: SentimentTask = SentimentTask()
    model: SentimentModel = SentimentModel()
