"""Every parameter of the layer vocabulary: its canonical name, its shape in the layer's words.

The table is made of the layers themselves, so that it cannot tell another story than they do: each
is built with sizes that are primes, and what a shape is made of is told by dividing.
"""

from typing import Any, Literal, NamedTuple

from compare.spec.layers import (
    CrossAttention,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Pool,
    PositionalEmbedding,
    Recurrent,
    RMSNorm,
    TiedHead,
    TransformerBlock,
)
from compare.spec.parameters import Layer

_SIZES = {
    "vocab": 101, "dim": 103, "length": 107, "inputs": 109, "hidden": 113, "outputs": 127,
    "width": 131, "memory": 137,
}  # fmt: skip
_VOCAB, _DIM, _LENGTH, _INPUTS, _HIDDEN, _OUTPUTS, _WIDTH, _MEMORY = _SIZES.values()

_NORMS: tuple[Literal["layer", "rms"], ...] = ("layer", "rms")
_CELLS: tuple[Literal["elman", "lstm", "gru"], ...] = ("elman", "lstm", "gru")
_RNN: dict[str, Any] = {"inputs": _INPUTS, "hidden": _HIDDEN, "layers": 2}
_BLOCK: dict[str, Any] = {"width": _WIDTH, "heads": 1, "hidden": _HIDDEN}
_CROSS: dict[str, Any] = {"width": _WIDTH, "heads": 1, "memory": _MEMORY}

FORMS: tuple[tuple[Layer, tuple[str, ...]], ...] = (
    (Embedding(vocab=_VOCAB, dim=_DIM), ()),
    (PositionalEmbedding(length=_LENGTH, dim=_DIM), ()),
    *((Recurrent(cell=cell, **_RNN), (f"cell={cell}",)) for cell in _CELLS),
    (Dense(inputs=_INPUTS, outputs=_OUTPUTS), ()),
    (TiedHead(), ()),
    (LayerNorm(width=_WIDTH), ()),
    (RMSNorm(width=_WIDTH), ()),
    (Dropout(width=_WIDTH, rate=0.0), ()),
    (Pool(), ()),
    *((TransformerBlock(norm=n, **_BLOCK), (f"norm={n}",)) for n in _NORMS),
    *(
        (TransformerBlock(norm=n, memory=_MEMORY, **_BLOCK), (f"norm={n}", "memory"))
        for n in _NORMS
    ),
    *((CrossAttention(norm=n, **_CROSS), (f"norm={n}",)) for n in _NORMS),
)
"""Each layer in each form in which its parameters are others, with what makes it that form"""


class ShapeOf(NamedTuple):
    """One parameter of the layers of this `kind`; `where` it is not in each form of them, what a
    form needs to have it. Recurrent layers are stacked, and named by their number: 0, 1."""

    kind: str
    parameter: str
    shape: tuple[str, ...]
    where: str


def parameter_shapes() -> list[ShapeOf]:
    """All parameters of every layer; a layer without any is one row with none."""
    found: dict[tuple[str, str, tuple[str, ...]], list[tuple[str, ...]]] = {}
    forms: dict[str, int] = {}
    for layer, form in FORMS:
        kind = layer.model_dump()["kind"]
        forms[kind] = forms.get(kind, 0) + 1
        shapes = {name: parameter.shape for name, parameter in layer.parameters().items()}
        for name, shape in (shapes or {"": ()}).items():
            found.setdefault((kind, name, tuple(map(_axis, shape))), []).append(form)
    return [
        ShapeOf(*row, "" if len(having) == forms[row[0]] else _in_common(having))
        for row, having in found.items()
    ]


def _in_common(forms: list[tuple[str, ...]]) -> str:
    return ", ".join(part for part in forms[0] if all(part in form for form in forms))


def _axis(size: int) -> str:
    """`4 hidden` for four times what stands for `hidden`."""
    name, prime = next((name, prime) for name, prime in _SIZES.items() if size % prime == 0)
    times = size // prime
    return name if times == 1 else f"{times} {name}"
