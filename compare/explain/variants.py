"""Variants of a trained model that are asked in its place, so that adapters need no new method.

The gradient of one *position* is that of one row of an embedding table, where every position of
every text has a row of its own; a layer's activations are the logits of the chain cut off there.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from compare.spec.arrays import Array
from compare.spec.experiment import Experiment
from compare.spec.layers import AnyLayer, Dense, Embedding, Recurrent, TiedHead
from compare.spec.model import ModelSpec

Side = Literal["inputs", "source"]
"""Which ids are attributed: what the only chain reads, or what the encoder does"""
Weights = Mapping[str, Array]


def plain(experiment: Experiment) -> Experiment:
    """The experiment of a model that is asked and not trained: float32 or float64 throughout, no
    state from an earlier batch, nothing dropped, whole batches."""
    train = experiment.train
    dtype = "fp64" if train.dtype == "fp64" else "fp32"
    model = experiment.model
    rested = ModelSpec(layers=tuple(map(_rested, model.layers)), encoder=model.encoder)
    asked = train.model_copy(update={"dtype": dtype, "accumulation": 1, "dropout_masks": "core"})
    return experiment.model_copy(update={"model": rested, "train": asked})


def _rested(layer: AnyLayer) -> AnyLayer:
    if isinstance(layer, Recurrent):
        return layer.model_copy(update={"carry_state": False})
    return layer


def embedding_of(model: ModelSpec, side: Side) -> Embedding:
    """The layer that reads the ids of this side; ValueError where the chain begins otherwise."""
    layers = model.encoder if side == "source" else model.layers
    if not layers or not isinstance(layers[0], Embedding):
        raise ValueError("the chain does not begin with an embedding")
    return layers[0]


def by_position(
    experiment: Experiment, weights: Weights, vectors: NDArray[np.floating[Any]], side: Side
) -> tuple[Experiment, Weights]:
    """The model with a table row for every position of every text, which hold `vectors` (texts,
    time, dim). Text r asks for the rows r * time + t.

    A head that shares the table keeps it, as a dense layer without a bias of its own.
    """
    texts, time, dim = vectors.shape
    model = experiment.model
    old = embedding_of(model, side)
    table = f"{old.name}.table"
    new = old.model_copy(update={"vocab": texts * time})
    changed = {**weights, table: vectors.reshape(texts * time, dim)}
    layers = list(model.layers)
    for index, layer in enumerate(layers):
        if isinstance(layer, TiedHead) and layer.table == table:
            layers[index] = Dense(name=layer.name, inputs=dim, outputs=old.vocab)
            changed[f"{layer.name}.kernel"] = np.ascontiguousarray(weights[table].T)
            changed[f"{layer.name}.bias"] = np.zeros(old.vocab, weights[table].dtype)
    encoder = list(model.encoder)
    (encoder if side == "source" else layers)[0] = new
    spec = ModelSpec(layers=tuple(layers), encoder=tuple(encoder))
    return _with(experiment, spec), changed


def cut_after(
    experiment: Experiment, weights: Weights, side: Side, index: int
) -> tuple[Experiment, Weights]:
    """The chain of one side up to its layer `index`, whose output is what `logits` gives: (texts,
    time, width)."""
    model = experiment.model
    if side == "source":
        spec = ModelSpec(layers=model.encoder[: index + 1])
    else:
        spec = ModelSpec(layers=model.layers[: index + 1], encoder=model.encoder)
    return _with(experiment, spec), {name: weights[name] for name in spec.parameters()}


def _with(experiment: Experiment, model: ModelSpec) -> Experiment:
    return experiment.model_copy(update={"model": model})
