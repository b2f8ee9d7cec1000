"""The small models, optimisers and batches that the conformance checks are made on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.spec.arrays import Batches, Weights
from compare.spec.dropout import with_dropout_masks
from compare.spec.experiment import Experiment
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
from compare.spec.model import ModelSpec
from compare.spec.optimizer import OptimizerSpec
from compare.spec.parameters import Layer
from compare.spec.training import TrainSpec
from compare.spec.weights import initial_weights

BATCH, TIME, SOURCE_TIME, VOCAB, STEPS = 3, 5, 4, 11, 6
COMPILED = "compiled"
"""Where `details()` tells how often the framework has compiled."""

# Square kernels, so that a transposed one fits and only its numbers tell.
_EMBEDDING, _HEAD = Embedding(vocab=VOCAB, dim=4), Dense(name="head", inputs=4, outputs=VOCAB)
_ELMAN = Recurrent(inputs=4, hidden=4, layers=1, carry_state=False)
_ENCODER = (
    Embedding(name="source", vocab=VOCAB, dim=4),
    Recurrent(name="reader", inputs=4, hidden=4, layers=1, carry_state=False),
)
_BLOCK = TransformerBlock(width=4, heads=2, hidden=8)
_BOTH_WAYS = TransformerBlock(name="both_ways", width=4, heads=2, hidden=8, causal=False)


# Three angles in each of its heads, so that the rates at which they turn tell, and a number that is
# no other size's here.
_ROTARY = TransformerBlock(width=12, heads=2, hidden=8, rotary=True, norm="rms", dropout=0.3)


def _between(*layers: Layer, width: int = 4) -> ModelSpec:
    head = Dense(name="head", inputs=width, outputs=VOCAB)
    return ModelSpec(layers=(Embedding(vocab=VOCAB, dim=width), *layers, head))


MODELS: dict[str, ModelSpec] = {
    "dense": _between(),
    "elman of 2 layers": _between(Recurrent(inputs=4, hidden=4, layers=2)),
    "elman, state not carried": _between(_ELMAN),
    "lstm of 2 layers": _between(Recurrent(cell="lstm", inputs=4, hidden=4, layers=2)),
    "gru of 2 layers": _between(Recurrent(cell="gru", inputs=4, hidden=4, layers=2)),
    "tied head": ModelSpec(layers=(_EMBEDDING, TiedHead())),
    "positions": _between(PositionalEmbedding(length=TIME + 2, dim=4)),
    "layer norm": _between(LayerNorm(width=4)),
    "rms norm": _between(RMSNorm(width=4)),
    "dropout": _between(Dropout(width=4, rate=0.4)),
    "pool, mean": _between(_ELMAN, Pool(how="mean")),
    "pool, max": _between(_ELMAN, Pool(how="max")),
    "pool, last": _between(_ELMAN, Pool(how="last")),
    "transformer block": _between(_BLOCK),
    "transformer block, not causal": _between(_BOTH_WAYS, Pool()),
    "transformer block, padded": _between(_BLOCK, Pool()),
    "transformer block, rotary": _between(_ROTARY, width=12),
    "cross-attention": ModelSpec(
        encoder=_ENCODER,
        layers=(_EMBEDDING, _ELMAN, CrossAttention(width=4, heads=2, memory=4), _HEAD),
    ),
    "encoder-decoder": ModelSpec(
        encoder=(*_ENCODER[:1], _BOTH_WAYS),
        layers=(_EMBEDDING, _BLOCK.model_copy(update={"memory": 4, "dropout": 0.3}), _HEAD),
    ),
}
_WIDE, _TALL = 32, 64
LARGE: dict[str, ModelSpec] = {
    f"large {name}": ModelSpec(
        layers=(
            Embedding(vocab=_TALL, dim=_WIDE),
            layer,
            Dense(name="head", inputs=_WIDE, outputs=_TALL),
        )
    )
    for name, layer in {
        "lstm": Recurrent(cell="lstm", inputs=_WIDE, hidden=_WIDE, layers=1),
        "transformer block": TransformerBlock(width=_WIDE, heads=4, hidden=2 * _WIDE),
    }.items()
}
"""Large enough that a compiler has something to do, on batches of 16 rows of 8 tokens."""

PADDED_TARGETS, UNPADDED = "dense, padded targets", "pool, no padding"
WHOLE_SOURCE = "cross-attention, no padding"
MODELS |= {
    PADDED_TARGETS: MODELS["dense"],
    UNPADDED: MODELS["pool, mean"],
    WHOLE_SOURCE: MODELS["cross-attention"],
}

MOMENTUM = "sgd with momentum"
OPTIMIZERS = {
    "adam": OptimizerSpec(name="adam", learning_rate=0.01),
    "adam, large epsilon": OptimizerSpec(name="adam", learning_rate=0.01, epsilon=1e-3),
    "adamw": OptimizerSpec(name="adamw", learning_rate=0.01, weight_decay=0.1),
    "sgd": OptimizerSpec(name="sgd", learning_rate=0.5),
    MOMENTUM: OptimizerSpec(name="sgd", learning_rate=0.5, momentum=0.9),
    "nesterov": OptimizerSpec(name="sgd", learning_rate=0.5, momentum=0.9, nesterov=True),
    "clipping": OptimizerSpec(name="sgd", learning_rate=0.5, momentum=0.9, clip_norm=0.3),
    # Three of the six gradients are shorter than that.
    "clipping at times": OptimizerSpec(name="sgd", learning_rate=0.5, momentum=0.9, clip_norm=0.5),
}
RATES = np.array([0.1, 0.1, 0.02, 0.02, 0.3, 0.3])  # a schedule that a folded-in rate shows at


@dataclass(frozen=True)
class Case:
    """A model of `MODELS` or `LARGE` with an optimiser of `OPTIMIZERS`, and settings of training
    that differ from those of the other cases."""

    model: str
    optimizer: str = MOMENTUM
    train: tuple[tuple[str, Any], ...] = ()

    def spec(self) -> ModelSpec:
        return LARGE[self.model] if self.model in LARGE else MODELS[self.model]

    def experiment(self) -> Experiment:
        shape = {"batch": 16, "sequence_length": 8} if self.model in LARGE else {}
        settings = shape | dict(self.train)
        return small_experiment(self.spec(), OPTIMIZERS[self.optimizer], **settings)

    def is_padded(self) -> bool:
        """Whether rows of the input have padding."""
        return "inputs_mask" in self.batches()

    def weights(self) -> Weights:
        return small_weights(self.spec())

    def batches(self) -> Batches:
        """6 steps of 3 rows, 5 tokens long, 4 in the source; of a large model 16 rows of 8."""
        if self.model not in LARGE:
            return small_batches(self.model)
        tokens = np.random.default_rng(0).integers(0, _TALL, (STEPS, 16, 9)).astype(np.int32)
        return {"inputs": tokens[..., :-1], "targets": tokens[..., 1:]}


def small_experiment(
    model: ModelSpec, optimizer: OptimizerSpec = OPTIMIZERS[MOMENTUM], **train: Any
) -> Experiment:
    """An experiment over `small_batches`, in float64 unless `train` says otherwise."""
    settings = {"batch": BATCH, "sequence_length": TIME, "steps": STEPS, "dtype": "fp64"}
    return Experiment.model_construct(
        task="conformance", model=model, optimizer=optimizer,
        train=TrainSpec.model_validate(settings | train), splits={}, data={},
        data_sha256="", weights_sha256="",
    )  # fmt: skip


def small_weights(model: ModelSpec) -> Weights:
    """Weights whose biases are not zero."""
    random = np.random.default_rng(1)
    drawn = initial_weights(model, seed=1)
    return {n: (v + random.normal(0, 0.3, v.shape)).astype(np.float32) for n, v in drawn.items()}


def small_batches(name: str) -> Batches:
    """Batches for the model of this name, with every field that it can use.

    (steps, batch, time): 6 steps of 3 rows, 5 tokens long, 4 in the source.
    """
    model = MODELS[name]
    random = np.random.default_rng(0)
    # Few words, so that every batch has repeats: an embedding's gradient must add them up.
    tokens = random.integers(0, 4, (STEPS, BATCH, TIME + 1)).astype(np.int32)
    batches = {"inputs": tokens[..., :-1], "targets": tokens[..., 1:]}
    if any(isinstance(layer, Pool) for layer in model.layers):
        batches["targets"] = batches["targets"][..., :1]
        if name != UNPADDED:
            batches["inputs_mask"] = _padded(random, TIME)
    if model.encoder:
        shape = (STEPS, BATCH, SOURCE_TIME)
        batches["source"] = random.integers(0, VOCAB, shape).astype(np.int32)
        if name != WHOLE_SOURCE:
            batches["source_mask"] = _padded(random, SOURCE_TIME)
    if name == PADDED_TARGETS:
        batches["targets_mask"] = _padded(random, TIME)
    return with_dropout_masks(batches, model, small_experiment(model).train, 0)


def _padded(random: np.random.Generator, time: int) -> np.ndarray:
    """Masks of rows of different length, none of them empty."""
    lengths = random.integers(1, time + 1, (STEPS, BATCH, 1))
    return np.asarray(np.arange(time) < lengths)
