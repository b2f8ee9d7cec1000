"""How long, on how much at a time, and in numbers of which type a model is trained."""

from typing import Literal

from pydantic import AliasChoices, Field, model_validator

from compare.spec.parameters import Spec

Precision = Literal["fp32", "fp64", "tf32", "bf16"]
"""fp64 and fp32 strictly; tf32: float32 whose matrix products may round their operands to
TensorFloat-32; bf16: matrix products of operands rounded to bfloat16, whose results may be rounded
to it too, and float32 for weights, biases, norms, softmax, the residual stream and the loss."""


class TrainSpec(Spec):
    """How long and on what each backend trains.

    The loss of a step is the sum of -log p over the valid tokens of its whole batch, divided by
    their number, however many micro-batches the batch is worked off in.
    """

    batch: int = Field(default=20, gt=0, description="sequences per step")
    accumulation: int = Field(default=1, gt=0, description="micro-batches of equal size per step")
    sequence_length: int = Field(default=35, gt=0, description="tokens per sequence")
    steps: int = Field(default=100, gt=0, description="optimiser steps")
    validation_batches: int = Field(default=10, gt=0, description="batches of the last evaluation")
    seed: int = Field(default=1, ge=0, description="draws weights, dropout, order of examples")
    dtype: Precision = Field(
        default="fp32",
        description="of the numbers; tf32, bf16: of matrix products alone",
        # Its name up to 0.3: so older records are read, and equal trainings keep their fingerprint.
        validation_alias=AliasChoices("dtype", "precision"),
        serialization_alias="precision",
    )
    dropout_masks: Literal["core", "native"] = Field(
        default="core", description="drawn alike for every backend, or by each framework itself"
    )

    @property
    def precision(self) -> Precision:
        """`dtype`, for adapters that were written when it had this name."""
        return self.dtype

    @model_validator(mode="after")
    def _micro_batches_are_of_equal_size(self) -> "TrainSpec":
        if self.batch % self.accumulation:
            raise ValueError(
                f"a batch of {self.batch} is not {self.accumulation} equal micro-batches"
            )
        return self
