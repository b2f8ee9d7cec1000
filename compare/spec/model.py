"""A model as data: a chain of layers, or an encoder and a decoder."""

from collections.abc import Iterator

from pydantic import model_validator

from compare.spec.layers import (
    AnyLayer,
    CrossAttention,
    Pool,
    PositionalEmbedding,
    Recurrent,
    TiedHead,
    TransformerBlock,
)
from compare.spec.parameters import DropoutSite, Parameter, Spec


class ModelSpec(Spec):
    """A chain of layers from token ids `inputs` to logits, and in an encoder-decoder (Sutskever
    et al. 2014) a second one: `encoder` turns the ids `source` into the memory (batch, time,
    width) that the cross-attention of `layers` looks at.
    """

    layers: tuple[AnyLayer, ...]
    encoder: tuple[AnyLayer, ...] = ()

    def classifies(self) -> bool:
        """Whether there is one answer per sequence: behind a `Pool`."""
        return any(isinstance(layer, Pool) for layer in self.layers)

    def context(self, encoder: bool = False) -> int | None:
        """Most tokens that the chain, or the encoder, can look at; None where there is no limit."""
        layers = self.encoder if encoder else self.layers
        tables = [layer.length for layer in layers if isinstance(layer, PositionalEmbedding)]
        return min(tables, default=None)

    def parameters(self) -> dict[str, Parameter]:
        """Every trainable parameter by its canonical name, in the order of the layers."""
        found: dict[str, Parameter] = {}
        for layer in (*self.encoder, *self.layers):
            for name, parameter in layer.parameters().items():
                if name in found:
                    raise ValueError(f"two layers share the parameter name {name!r}")
                found[name] = parameter
        return found

    def dropouts(self) -> Iterator[tuple[str, str, DropoutSite]]:
        """Every place that drops values: its name, the field whose time axis it has ("" for one
        behind a `Pool`, of time 1), and its width and rate."""
        for field, layers in (("source", self.encoder), ("inputs", self.layers)):
            for layer in layers:
                field = "" if isinstance(layer, Pool) else field
                for name, site in layer.dropouts().items():
                    yield name, field, site

    @model_validator(mode="after")
    def _parts_fit(self) -> "ModelSpec":
        attends = [
            layer.name
            for layer in (*self.encoder, *self.layers)
            if isinstance(layer, CrossAttention)
            or (isinstance(layer, TransformerBlock) and layer.memory)
        ]
        if attends and not self.encoder:
            raise ValueError(f"{attends[0]} attends to an encoder, and there is none")
        for layer in self.encoder:
            if isinstance(layer, Recurrent) and layer.carry_state:
                raise ValueError(f"{layer.name} is in the encoder: it cannot carry its state")
        known = self.parameters()
        for layer in self.layers:
            if isinstance(layer, TiedHead) and layer.table not in known:
                raise ValueError(f"{layer.name} is tied to {layer.table}, which is not there")
        return self
