"""What all tasks share that read texts: which rows are judged, and what is said of the data."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from compare.contracts import Quality
from compare.settings import TaskSection
from compare.spec import TrainSpec
from compare.text.rows import Row
from compare.text.split import drawn


class TextSection(TaskSection):
    judge: Literal["sample", "all"] = Field(
        default="sample", description="of the validation data: train.validation_batches, or all"
    )

    def judging(self, train: TrainSpec, examples: int) -> TrainSpec:
        """The training with as many validation batches as are to be judged."""
        if self.judge == "sample":
            return train
        return train.model_copy(update={"validation_batches": max(1, -(-examples // train.batch))})


def judged_rows(held: Sequence[Row], train: TrainSpec, labelled: bool = False) -> list[Row]:
    """As many validation rows as `train` has room for, drawn from anywhere among them."""
    return drawn(held, train.validation_batches * train.batch, labelled)


def values(quality: Quality) -> dict[str, float]:
    """The metrics that can be given, without their intervals."""
    return {name: score.value for name, score in quality.items() if not isinstance(score, str)}
