"""The model that a ModelSpec describes: two chains of layers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flax import nnx
from jax import Array

from compare.contracts import Unsupported
from compare.spec import (
    CrossAttention,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    ModelSpec,
    Pool,
    PositionalEmbedding,
    Recurrent,
    RMSNorm,
    TiedHead,
    TransformerBlock,
)

from .attention import CrossAttentionLayer, TransformerBlockLayer
from .layers import (
    Context,
    DenseLayer,
    DropoutLayer,
    EmbeddingLayer,
    NormLayer,
    PoolLayer,
    PositionalLayer,
    TiedHeadLayer,
)
from .numerics import Numerics
from .recurrent import RecurrentLayer, State

States = Mapping[str, State]
"""What recurrent layers carry from batch to batch, by the layer's name."""


class Model(nnx.Module):
    def __init__(self, spec: ModelSpec, numerics: Numerics) -> None:
        rngs = nnx.Rngs(0)  # modules draw weights when they are made; the trainer replaces them
        self.encoder = nnx.List(_layer(layer, numerics, rngs) for layer in spec.encoder)
        self.layers = nnx.List()
        for layer in spec.layers:
            if isinstance(layer, TiedHead):
                self.layers.append(TiedHeadLayer(canonical(self)[layer.table], numerics))
            else:
                self.layers.append(_layer(layer, numerics, rngs))

    def __call__(
        self, batch: Mapping[str, Array], states: States, key: Array | None = None
    ) -> tuple[Array, States]:
        """Logits (batch, time, vocab) and what is carried on; a layer that has no state yet
        starts from zeros. Given a key, dropout draws its own masks."""
        rngs = None if key is None else nnx.Rngs(dropout=key)
        memory = None
        if self.encoder:
            context = Context(batch, batch.get("source_mask"), rngs=rngs)
            memory, _ = _chained(self.encoder, batch["source"], {}, context)
        context = Context(batch, batch.get("inputs_mask"), memory, rngs)
        return _chained(self.layers, batch["inputs"], states, context)

    def zeros(self, rows: int) -> States:
        """The states in which the first batch starts."""
        recurrent = (layer for layer in self.layers if isinstance(layer, RecurrentLayer))
        return {layer.name: layer.zeros(rows) for layer in recurrent if layer.carries}


def canonical(model: nnx.Module) -> dict[str, nnx.Param[Array]]:
    """The parameters by canonical name."""
    found = (node for _, node in nnx.iter_graph(model) if isinstance(node, nnx.Param))
    return {parameter.get_metadata("canonical"): parameter for parameter in found}


def _chained(
    layers: Iterable[Any], x: Array, states: States, context: Context
) -> tuple[Array, States]:
    after = {}
    for layer in layers:
        if isinstance(layer, RecurrentLayer):
            x, state = layer(x, states.get(layer.name))
            if layer.carries:
                after[layer.name] = state
        else:
            x = layer(x, context)
        if isinstance(layer, PoolLayer):
            context = replace(context, mask=None)  # one valid position is left
    return x, after


def _layer(spec: Any, numerics: Numerics, rngs: nnx.Rngs) -> nnx.Module:
    dtype = numerics.dtype
    match spec:
        case Embedding():
            return EmbeddingLayer(spec, dtype, rngs)
        case PositionalEmbedding():
            return PositionalLayer(spec, dtype)
        case Recurrent():
            return RecurrentLayer(spec, numerics, rngs)
        case Dense():
            return DenseLayer(spec.name, spec.inputs, spec.outputs, numerics, rngs)
        case LayerNorm():
            return NormLayer(spec.name, "layer", spec.width, spec.epsilon, dtype, rngs)
        case RMSNorm():
            return NormLayer(spec.name, "rms", spec.width, spec.epsilon, dtype, rngs)
        case Dropout():
            return DropoutLayer(spec.name, spec.rate)
        case Pool():
            return PoolLayer(spec)
        case CrossAttention():
            return CrossAttentionLayer(spec, numerics, rngs)
        case TransformerBlock():
            return TransformerBlockLayer(spec, numerics, rngs)
    raise Unsupported(f"layer {spec.kind}")
