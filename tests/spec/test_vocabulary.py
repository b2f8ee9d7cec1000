"""The table of all parameters says of each layer what the layer says of itself."""

from typing import get_args

import pytest

from compare.spec.layers import AnyLayer, Recurrent, TransformerBlock
from compare.spec.vocabulary import parameter_shapes

SIZES = {"width": 6, "hidden": 10, "inputs": 14, "memory": 22}


@pytest.mark.parametrize(
    ("layer", "where"),
    [
        (Recurrent(cell="gru", inputs=14, hidden=10, layers=2), {"", "cell=gru"}),
        (Recurrent(cell="elman", inputs=14, hidden=10, layers=2), {"", "cell=elman"}),
        (TransformerBlock(width=6, heads=3, hidden=10, norm="rms"), {""}),
        (
            TransformerBlock(width=6, heads=2, hidden=10, memory=22),
            {"", "norm=layer", "memory", "norm=layer, memory"},
        ),
    ],
)
def test_shapes_in_words_are_the_shapes(
    layer: Recurrent | TransformerBlock, where: set[str]
) -> None:
    said = {
        row.parameter: tuple(_size(axis) for axis in row.shape)
        for row in parameter_shapes()
        if row.kind == layer.kind and row.where in where
    }
    assert said == {name: parameter.shape for name, parameter in layer.parameters().items()}


def _size(axis: str) -> int:
    *times, name = axis.split()
    return SIZES[name] * int(times[0] if times else 1)


def test_every_layer_is_in_the_table() -> None:
    union, _ = get_args(AnyLayer)
    kinds = {layer.model_fields["kind"].default for layer in get_args(union)}
    assert {row.kind for row in parameter_shapes()} == kinds
