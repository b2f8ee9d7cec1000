"""What the training steps share, whichever library computes below Keras."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from compare.contracts import CompilerPlan, Weights
from compare.spec import TrainSpec

from .layers import Tensor
from .model import Network, States, Variables

Fields = Mapping[str, Tensor]
Gradients = list[Tensor]
"""In the order of the canonical variables"""
Differentiate = Callable[[Fields, States, Tensor], tuple[Tensor, Gradients, States]]
"""(batch, states before, valid targets of the step) -> loss, gradients, states after"""


class Steps:
    """A subclass steps, differentiates and calls the network in its library's way."""

    def __init__(
        self, network: Network, variables: Variables, optimizer: Any, train: TrainSpec
    ) -> None:
        self.network, self.variables, self.optimizer = network, variables, optimizer
        self.train_spec = train
        self.draws = train.dropout_masks == "native"
        self.reset()

    def reset(self) -> None:
        """Start over from the variables as they are now, and from zero states."""
        self.states = self.network.zero_states(self.train_spec.batch)

    def weights(self) -> Weights:
        return {
            name: ops.convert_to_numpy(variable).copy() for name, variable in self.variables.items()
        }

    def compiler_plan(self, batch: Fields) -> CompilerPlan:
        """Unknown, where the library's compiler does not tell."""
        return CompilerPlan()

    def loss(
        self, batch: Fields, states: States | None, valid: Tensor, training: bool
    ) -> tuple[Tensor, States]:
        """The batch's share of a loss over `valid` targets, and the states after it."""
        logits, after = self.network(batch, states=states, training=training and self.draws)
        # Flat: XLA's CPU backend runs a softmax of rank 3 slower.
        flat, targets = ops.reshape(logits, (-1, logits.shape[-1])), ops.ravel(batch["targets"])
        losses = ops.sparse_categorical_crossentropy(targets, flat, from_logits=True)
        if "targets_mask" in batch:
            losses = losses * ops.cast(ops.ravel(batch["targets_mask"]), losses.dtype)
        return ops.sum(losses) / valid, after  # keras.losses divide by all targets, valid or not

    def valid_targets(self, batch: Fields) -> Tensor:
        dtype = self.network.variable_dtype
        if "count" in batch:  # of one rank's rows: the targets of all ranks
            return ops.cast(batch["count"], dtype)
        mask = batch.get("targets_mask")
        if mask is None:
            return ops.cast(ops.size(batch["targets"]), dtype)
        return ops.sum(ops.cast(mask, dtype))

    def accumulated(
        self, differentiate: Differentiate, batch: Fields, states: States
    ) -> tuple[Tensor, Gradients, States]:
        """A step's loss, gradients and states, worked off in its micro-batches.

        Keras's gradient_accumulation_steps would average over these, whatever is valid in each.
        """
        parts, valid = self.train_spec.accumulation, self.valid_targets(batch)
        batch = {name: field for name, field in batch.items() if name != "count"}
        if parts == 1:
            return differentiate(batch, states, valid)
        total, gradients, after = 0.0, None, []
        for part in range(parts):
            loss, found, end = differentiate(
                self._rows(batch, part), self._rows(states, part), valid
            )
            total = total + loss
            gradients = (
                [a + b for a, b in zip(gradients, found, strict=True)] if gradients else found
            )
            after.append(end)
        joined = keras.tree.map_structure(lambda *rows: ops.concatenate(rows, axis=0), *after)
        return total, gradients or [], joined

    def _rows(self, arrays: Any, part: int) -> Any:
        """The rows of one micro-batch, of all that is in the structure."""
        rows = self.train_spec.batch // self.train_spec.accumulation
        return keras.tree.map_structure(lambda x: x[part * rows : (part + 1) * rows], arrays)


def fields_of(batches: Fields, index: int) -> dict[str, Tensor]:
    """One step's batch of several."""
    return {name: field[index] for name, field in batches.items()}
