"""The model, a chain of layers and the encoder's where there is one; and its loss."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paddle import Tensor, nn
from paddle.nn import functional as F

from compare import spec as specs
from compare.contracts import Unsupported

from . import layers
from .attention import Block, CrossAttention
from .recurrent import Recurrent

IGNORED = -100  # cross_entropy leaves out targets of this value
MADE_OF_ITS_SPEC = {
    specs.Embedding: layers.Embedding,
    specs.PositionalEmbedding: layers.Positions,
    specs.Recurrent: Recurrent,
    specs.Dense: layers.Dense,
    specs.Pool: layers.Pool,
    specs.CrossAttention: CrossAttention,
    specs.TransformerBlock: Block,
}


class Model(nn.Layer):
    """`model(batch, states)` gives logits (batch, time, vocab) and new states, one per layer."""

    def __init__(self, spec: specs.ModelSpec) -> None:
        super().__init__()
        self.encoder, self.layers = nn.LayerList(), nn.LayerList()
        for chain, described in ((self.encoder, spec.encoder), (self.layers, spec.layers)):
            for layer in described:
                chain.append(self._layer(layer))

    def _layer(self, spec: Any) -> nn.Layer:
        match spec:
            case specs.TiedHead():
                return layers.TiedHead(self.entries()[spec.table].tensor)
            case specs.LayerNorm() | specs.RMSNorm():
                centred = isinstance(spec, specs.LayerNorm)
                return layers.Norm(spec.name, spec.width, spec.epsilon, centred)
            case specs.Dropout():
                return layers.Dropout(spec.name, spec.rate)
        if type(spec) not in MADE_OF_ITS_SPEC:
            raise Unsupported(f"layer {spec.kind}")
        return MADE_OF_ITS_SPEC[type(spec)](spec)

    def entries(self) -> dict[str, layers.Entry]:
        """Where each canonical parameter is."""
        parts = [getattr(layer, "entries", {}) for layer in self.sublayers()]
        return {name: entry for part in parts for name, entry in part.items()}

    def zero_states(self, rows: int) -> list[Any]:
        return _zeros(self.layers, rows)

    def forward(
        self, batch: Mapping[str, Tensor], states: list[Any], native_dropout: bool = False
    ) -> tuple[Tensor, list[Any]]:
        context = layers.Context(batch, native_dropout)
        if len(self.encoder):
            source, of_encoder = batch["source"], replace(context, mask=batch.get("source_mask"))
            zeros = _zeros(self.encoder, source.shape[0])
            memory, _ = _chained(self.encoder, source, zeros, of_encoder)
            context = replace(context, memory=memory)
        context = replace(context, mask=batch.get("inputs_mask"))
        return _chained(self.layers, batch["inputs"], states, context)

    def loss(
        self, batch: Mapping[str, Tensor], valid: Tensor, states: list[Any], native: bool = False
    ) -> tuple[Tensor, list[Any]]:
        """The batch's share of a loss over `valid` targets, and the states after it."""
        logits, after = self(batch, states, native)
        flat, targets = logits.flatten(0, 1), batch["targets"].flatten()
        total = F.cross_entropy(flat, targets, ignore_index=IGNORED, reduction="sum")
        return total / valid, after


def _chained(
    chain: nn.LayerList, x: Tensor, states: list[Any], context: layers.Context
) -> tuple[Tensor, list[Any]]:
    after = list(states)
    for index, layer in enumerate(chain):
        if isinstance(layer, Recurrent):
            x, after[index] = layer(x, states[index])
        else:
            x = layer(x, context)
        if isinstance(layer, layers.Pool):
            context = replace(context, mask=None)  # one valid position is left
    return x, after


def _zeros(chain: nn.LayerList, rows: int) -> list[Any]:
    return [layer.zeros(rows) if isinstance(layer, Recurrent) else None for layer in chain]
