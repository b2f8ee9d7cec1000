"""The layer vocabulary as a Keras model that takes batches of any shape."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import keras

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

from . import layers
from .attention import CrossAttentionLayer, TransformerBlockLayer
from .layers import Context, Tensor
from .recurrent import RecurrentStack

States = list[list[Tensor]]
"""The state of each recurrent stack that carries one"""
Variables = dict[str, keras.Variable]
"""By canonical parameter name, in canonical order"""

_CANONICAL = {
    "embeddings": "table", "recurrent_kernel": "recurrent", "gamma": "scale", "beta": "shift",
}  # fmt: skip


class Network(keras.Model):
    """`network(batch, states=states, training=...) -> logits, states`; no states are zeros.

    In training, dropout draws masks where the batch has none.
    """

    def __init__(
        self,
        encoder: Iterable[keras.layers.Layer],
        decoder: Iterable[keras.layers.Layer],
        seed: keras.random.SeedGenerator,
    ) -> None:
        super().__init__(autocast=False)
        self.encoder, self.decoder, self.seed = list(encoder), list(decoder), seed
        self.built = True  # the layers are

    def zero_states(self, rows: int) -> States:
        dtype = self.variable_dtype
        return [layer.zero_state(rows, dtype) for layer in self.decoder if _carries(layer)]

    def call(
        self, batch: Mapping[str, Tensor], states: States | None = None, training: bool = False
    ) -> tuple[Tensor, States]:
        memory, memory_mask = None, batch.get("source_mask")
        if self.encoder:
            context = Context(batch, training, memory_mask)
            memory, _ = _run(self.encoder, batch["source"], context, None)
        context = Context(batch, training, batch.get("inputs_mask"), memory, memory_mask)
        return _run(self.decoder, batch["inputs"], context, states)


def _run(
    chain: Iterable[keras.layers.Layer], x: Tensor, context: Context, states: States | None
) -> tuple[Tensor, States]:
    before, after = iter(states or ()), []
    for layer in chain:
        if isinstance(layer, RecurrentStack):
            start = next(before, None) if _carries(layer) else None
            x, end = layer(x, initial_state=start)
            after += [end] if _carries(layer) else []
        else:
            x = layers.apply(layer, x, context)
        if isinstance(layer, layers.Pool):
            context = replace(context, mask=None)  # one valid position is left
    return x, after


def _carries(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, RecurrentStack) and layer.spec.carry_state


def network_of(spec: ModelSpec, seed: int, cudnn: bool) -> tuple[Network, Variables]:
    """The model with its weights built, and these."""
    generator = keras.random.SeedGenerator(seed)  # one for all dropouts: no two draw alike
    variables: Variables = {}

    def added(layer_spec: Any) -> keras.layers.Layer:
        layer = _layer_of(layer_spec, variables, generator, cudnn)
        found = {_flat_name(variable.path): variable for variable in layer.trainable_variables}
        for name in layer_spec.parameters():
            variables[name] = found[layers.keras_name(name)]
        return layer

    encoder = [added(layer) for layer in spec.encoder]
    return Network(encoder, [added(layer) for layer in spec.layers], generator), variables


def _layer_of(
    spec: Any, known: Variables, seed: keras.random.SeedGenerator, cudnn: bool
) -> keras.layers.Layer:
    """The layer that a spec describes, built; raises Unsupported for one that is not here."""
    match spec:
        case Embedding():
            return _built(layers.embedding_of(spec.vocab, spec.dim, spec.name), spec.dim)
        case PositionalEmbedding():
            return _built(layers.Positions(spec.length, spec.name), spec.dim)
        case TiedHead():
            return layers.TiedHead(known[spec.table], spec.name)
        case Recurrent():
            return _built(RecurrentStack(spec, cudnn), spec.inputs)
        case Dense():
            return _built(layers.Linear(spec.outputs, spec.name), spec.inputs)
        case LayerNorm():
            return _built(layers.norm_of("layer", spec.epsilon, spec.name), spec.width)
        case RMSNorm():
            return _built(layers.norm_of("rms", spec.epsilon, spec.name), spec.width)
        case Dropout():
            return layers.Dropout(spec.name, spec.rate, seed)
        case Pool():
            return layers.Pool(spec.how, spec.name)
        case CrossAttention():
            return _built(CrossAttentionLayer(spec, seed, spec.name), spec.width)
        case TransformerBlock():
            return _built(TransformerBlockLayer(spec, seed), spec.width)
    raise Unsupported(f"layer {spec.kind}")


def _built(layer: keras.layers.Layer, width: int) -> keras.layers.Layer:
    layer.build((None, None, width))  # (batch, time, width)
    return layer


def _flat_name(path: str) -> str:
    """Keras's path of a variable -> its canonical name, as in a Keras name."""
    *place, name = path.replace("/lstm_cell/", "/").split("/")
    return "-".join([*place, _CANONICAL.get(name, name)])
