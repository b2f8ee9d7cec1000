"""The model of a ModelSpec: its variables, and its layers one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from compare.contracts import Unsupported
from compare.spec import CrossAttention, ModelSpec, Recurrent, TransformerBlock

from .attention import TransformerLayer, cross_attention
from .layers import Context, Layer, PoolLayer, Sampler, States, Variables, plain_layer_of
from .recurrent import RecurrentStack


class Model(tf.Module):
    def __init__(self, spec: ModelSpec, dtype: tf.DType, operands: tf.DType, xla: bool) -> None:
        super().__init__()
        self.operands = operands
        self.canonical = {
            name: tf.Variable(tf.zeros(parameter.shape, dtype))
            for name, parameter in spec.parameters().items()
        }
        self.encoder = [_layer_of(layer, self.canonical, xla) for layer in spec.encoder]
        self.decoder = [_layer_of(layer, self.canonical, xla) for layer in spec.layers]

    def __call__(
        self, batch: Mapping[str, tf.Tensor], states: States, sampler: Sampler | None = None
    ) -> tuple[tf.Tensor, States]:
        """Logits (batch, time, vocab), and the new states of the layers that are in `states`."""
        context = Context(batch, self.operands, sampler)
        if self.encoder:
            reading = replace(context, mask=batch.get("source_mask"))
            context = replace(context, memory=_run(self.encoder, batch["source"], reading))
        context = replace(context, mask=batch.get("inputs_mask"), states=states)
        logits = _run(self.decoder, batch["inputs"], context)
        return logits, {name: context.ends[name] for name in states}

    def zero_states(self, batch: int) -> States:
        """The states that are carried from batch to batch, as they begin."""
        return {
            layer.label: layer.zero_states(batch)
            for layer in self.decoder
            if isinstance(layer, RecurrentStack) and layer.carries
        }


def _run(layers: Sequence[Layer], x: tf.Tensor, context: Context) -> tf.Tensor:
    for layer in layers:
        x = layer(x, context)
        if isinstance(layer, PoolLayer):
            context = replace(context, mask=None)  # one valid position is left
    return x


def _layer_of(spec: Any, variables: Variables, xla: bool) -> Layer:
    match spec:
        case Recurrent():
            return RecurrentStack(spec, variables, xla)
        case CrossAttention():
            return cross_attention(variables, spec)
        case TransformerBlock():
            return TransformerLayer(variables, spec)
    layer = plain_layer_of(spec, variables)
    if layer is None:
        raise Unsupported(f"layer {spec.kind}")
    return layer
