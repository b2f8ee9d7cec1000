"""Training by hand: forward, backward, update, all in float64 whatever the precision asked.

Micro-batches are not worked off apart: the gradient of their sum is the same.
"""

from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Batches, DeviceMemory, Group, Unsupported, Weights
from compare.spec import CrossAttention, Experiment, Recurrent, TransformerBlock

from .attention import cross_attention, transformer_block
from .layers import Chain, Context, Gradients, Layer, Memory, State, add_to, plain_layer_of
from .optimizer import Optimizer
from .recurrent import recurrent_stack


class ReferenceTrainer:
    def __init__(self, experiment: Experiment, group: Group | None = None) -> None:
        model = experiment.model
        if experiment.train.dropout_masks == "native" and any(model.dropouts()):
            raise Unsupported("dropout masks of its own: it is what others are compared with")
        self.encoder = Chain([layer_of(layer) for layer in model.encoder])
        self.decoder = Chain([layer_of(layer) for layer in model.layers])
        self.carries = [getattr(layer, "carry_state", False) for layer in model.layers]
        self.values: Gradients = {}
        self.states: list[State] = [None] * len(self.carries)
        self.optimizer = Optimizer(experiment.optimizer)
        self.group = group

    def load(self, weights: Weights) -> None:
        self.values = {name: np.array(value, np.float64) for name, value in weights.items()}
        self.states = [None] * len(self.carries)
        self.optimizer = Optimizer(self.optimizer.spec)

    def weights(self) -> Weights:
        return {name: value.copy() for name, value in self.values.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = []
        for index, rate in enumerate(learning_rates):
            batch = {name: field[index] for name, field in batches.items()}
            loss, gradients, states = self._differentiate(batch, self.states)
            if self.group:
                gradients = dict(self.group.sum(gradients))
            self.optimizer.update(self.values, gradients, float(rate))
            self.states = [
                state if carry else None for state, carry in zip(states, self.carries, strict=True)
            ]
            losses.append(loss)
        return np.array(losses)

    def gradients(self, batch: Batch) -> Weights:
        return self._differentiate(batch, [None] * len(self.carries))[1]

    def logits(self, batch: Batch) -> Array:
        return self._forward(batch, [None] * len(self.carries))[0]

    def memory(self) -> DeviceMemory:
        return DeviceMemory()

    def _forward(self, batch: Batch, states: list[State]) -> tuple[Array, list[State], Any]:
        memory = of_encoder = None
        if self.encoder.layers:
            mask = batch.get("source_mask")
            value, _, of_encoder = self.encoder.forward(
                self.values, batch["source"], None, Context(batch, mask)
            )
            memory = Memory(value, mask, np.zeros_like(value))
        context = Context(batch, batch.get("inputs_mask"), memory)
        logits, after, kept = self.decoder.forward(self.values, batch["inputs"], states, context)
        return logits, after, (kept, memory, of_encoder)

    def _backward(self, kept: Any, dy: Array) -> Gradients:
        of_decoder, memory, of_encoder = kept
        _, gradients = self.decoder.backward(self.values, of_decoder, dy)
        if memory is not None:
            add_to(gradients, self.encoder.backward(self.values, of_encoder, memory.gradient)[1])
        return {name: gradients[name] for name in self.values}

    def _differentiate(
        self, batch: Batch, states: list[State]
    ) -> tuple[float, Gradients, list[State]]:
        logits, after, kept = self._forward(batch, states)
        loss, dy = cross_entropy(
            logits, batch["targets"], batch.get("targets_mask"), batch.get("count")
        )
        return loss, self._backward(kept, dy), after


def layer_of(spec: Any) -> Layer:
    """The layer that a spec describes; raises Unsupported for one that is not here."""
    match spec:
        case Recurrent():
            return recurrent_stack(spec)
        case CrossAttention():
            return cross_attention(spec)
        case TransformerBlock():
            return transformer_block(spec)
    layer = plain_layer_of(spec)
    if layer is None:
        raise Unsupported(f"layer {spec.kind}")
    return layer


def cross_entropy(
    logits: Array, targets: Array, mask: Array | None = None, count: Array | None = None
) -> tuple[float, Array]:
    """Sum of -log softmax(logits)[target] over valid targets / their number, and its gradient; of
    one rank's rows over the `count` of all ranks."""
    valid = np.ones(targets.shape) if mask is None else mask.astype(np.float64)
    number = valid.sum() if count is None else count
    shifted = logits - logits.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))  # (batch, time, vocab)
    index = targets[..., None]
    loss = -(np.take_along_axis(log_p, index, -1)[..., 0] * valid).sum() / number
    gradient = np.exp(log_p)
    np.put_along_axis(gradient, index, np.take_along_axis(gradient, index, -1) - 1.0, -1)
    return float(loss), gradient * valid[..., None] / number
