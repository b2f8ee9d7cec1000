"""A task from outside with padding everywhere: an encoder-decoder on random rows of tokens.

`--set model.pool=true` makes it a classifier instead.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.contracts import Prepared
from compare.spec import (
    Cut,
    Dense,
    Dropout,
    Embedding,
    ModelSpec,
    Pool,
    Recurrent,
    Section,
    Settings,
    TransformerBlock,
)

VOCAB, WIDTH, ROWS, TIME = 12, 8, 64, 6


class PaddedModel(Section):
    pool: bool = False
    rotary: bool = False
    dropout: float = 0.0


class PaddedSettings(Settings):
    model: PaddedModel = PaddedModel()


class Padded:
    name = "padded"
    metrics: tuple[str, ...] = ()
    settings = PaddedSettings
    presets: Mapping[str, Any] = {"tiny": {"train": {"batch": 4, "sequence_length": TIME}}}

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, PaddedSettings)
        random = np.random.default_rng(5)
        spec, model = settings.train, settings.model
        arrays: dict[str, Any] = {}
        for name in ("source", "inputs", "targets"):
            arrays[name] = random.integers(0, VOCAB, ROWS * TIME).astype(np.int32)
            valid = np.arange(TIME) < random.integers(1, TIME + 1, (ROWS, 1))
            arrays[f"{name}_mask"] = valid.reshape(-1)
        arrays["starts"] = random.integers(0, ROWS, (spec.steps, spec.batch)) * TIME
        fields = ["inputs", "inputs_mask", "targets"]
        fields += [] if model.pool else ["targets_mask", "source", "source_mask"]
        width = {"targets": 1} if model.pool else {}
        cuts = {f: Cut(array=f, starts="starts", width=width.get(f, TIME)) for f in fields}
        layers = classifier(model) if model.pool else translator(model)
        return Prepared(layers, arrays, {"train": cuts, "validation": cuts}, about={})

    def quality(self, wanted: Any, outputs: Any, resamples: int) -> dict[str, Any]:
        return {}


def classifier(model: PaddedModel) -> ModelSpec:
    return ModelSpec(
        layers=(
            Embedding(vocab=VOCAB, dim=WIDTH),
            TransformerBlock(width=WIDTH, heads=2, hidden=16, causal=False, rotary=model.rotary),
            Pool(how="mean"),
            Dense(name="head", inputs=WIDTH, outputs=VOCAB),
        )
    )


def translator(model: PaddedModel) -> ModelSpec:
    return ModelSpec(
        encoder=(
            Embedding(name="source", vocab=VOCAB, dim=WIDTH),
            Recurrent(name="reader", inputs=WIDTH, hidden=WIDTH, layers=1, carry_state=False),
        ),
        layers=(
            Embedding(vocab=VOCAB, dim=WIDTH),
            Dropout(width=WIDTH, rate=model.dropout),
            TransformerBlock(width=WIDTH, heads=2, hidden=16, memory=WIDTH, rotary=model.rotary),
            Dense(name="head", inputs=WIDTH, outputs=VOCAB),
        ),
    )


task = Padded()
