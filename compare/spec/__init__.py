"""The experiment as data: what is trained, on which batches, from which weights, with which masks.

Plug-ins import all that they need of it from here. Begin with `experiment.py`: an `Experiment` is
the whole of it; `layers.py` is the vocabulary of models. `settings.py` has what a user can set;
`weights.py`, `dropout.py` and `inputs.py` draw and write what every backend is given alike.

May import: the ground (`errors`, `version`, `extras`, `plugins`).
"""

from compare.spec.batches import Cut, Decoding
from compare.spec.dropout import field_of
from compare.spec.experiment import Experiment
from compare.spec.layers import (
    AnyLayer,
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
from compare.spec.model import ModelSpec
from compare.spec.optimizer import OptimizerSpec
from compare.spec.parameters import GPT, Initializer, Layer
from compare.spec.settings import Section, Settings, TaskSection
from compare.spec.training import Precision, TrainSpec
from compare.spec.weights import generator

__all__ = [
    "GPT",
    "AnyLayer",
    "CrossAttention",
    "Cut",
    "Decoding",
    "Dense",
    "Dropout",
    "Embedding",
    "Experiment",
    "Initializer",
    "Layer",
    "LayerNorm",
    "ModelSpec",
    "OptimizerSpec",
    "Pool",
    "PositionalEmbedding",
    "Precision",
    "RMSNorm",
    "Recurrent",
    "Section",
    "Settings",
    "TaskSection",
    "TiedHead",
    "TrainSpec",
    "TransformerBlock",
    "field_of",
    "generator",
]
