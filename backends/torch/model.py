"""The model: chains of layers, and an encoder where the spec has one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from compare.contracts import Unsupported
from compare.spec import CrossAttention, ModelSpec, Recurrent, TiedHead, TransformerBlock

from .attention import Block, CrossAttentionLayer
from .layers import Canonical, Context, PoolLayer, TiedHeadLayer, plain_layer_of
from .recurrent import FusedRecurrent, LoopedRecurrent, State


class Model(nn.Module):
    """`model(batch, states)` gives logits (batch, time, vocab) and new states, one per layer."""

    def __init__(self, spec: ModelSpec, compiled: bool, bf16: bool) -> None:
        super().__init__()
        self.compiled, self.bf16 = compiled, bf16
        self.encoder = nn.ModuleList()
        self.layers = nn.ModuleList()
        for chain, layers in ((self.encoder, spec.encoder), (self.layers, spec.layers)):
            for layer in layers:
                chain.append(self._layer(layer))

    def forward(
        self, batch: Mapping[str, Tensor], states: list[State], native_dropout: bool = False
    ) -> tuple[Tensor, list[State]]:
        context = Context(batch, native_dropout)
        if len(self.encoder):
            mask = batch.get("source_mask")
            nothing: list[State] = [None] * len(self.encoder)
            of_encoder = replace(context, mask=mask)
            memory, _ = _chain(self.encoder, batch["source"], nothing, of_encoder)
            context = replace(context, memory=memory, memory_mask=mask)
        context = replace(context, mask=batch.get("inputs_mask"))
        return _chain(self.layers, batch["inputs"], states, context)

    def zero_states(self) -> list[State]:
        return [None] * len(self.layers)

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for layer in (*self.encoder, *self.layers):
            found.update(layer.canonical())
        return found

    def _layer(self, spec: Any) -> nn.Module:
        match spec:
            case Recurrent():
                looped = self.compiled or self.bf16
                return LoopedRecurrent(spec, self.bf16) if looped else FusedRecurrent(spec)
            case TransformerBlock():
                return Block(spec, self.bf16)
            case CrossAttention():
                return CrossAttentionLayer(spec, self.bf16)
            case TiedHead():
                table = self.canonical()[spec.table].tensor
                assert isinstance(table, nn.Parameter)
                return TiedHeadLayer(spec, table, self.bf16)
        layer = plain_layer_of(spec, self.bf16)
        if layer is None:
            raise Unsupported(f"layer {spec.kind}")
        return layer


def _chain(
    layers: nn.ModuleList, x: Tensor, states: list[State], context: Context
) -> tuple[Tensor, list[State]]:
    after: list[State] = []
    for layer, state in zip(layers, states, strict=True):
        if isinstance(layer, FusedRecurrent | LoopedRecurrent):
            x, state = layer(x, state)
        else:
            x = layer(x, context)
        if isinstance(layer, PoolLayer):
            context = replace(context, mask=None)  # one valid position is left
        after.append(state)
    return x, after
