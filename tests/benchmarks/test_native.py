"""The hand-written loops that adapters are raced against train the same models as they do."""

import numpy as np
import pytest
from conftest import ROOT, Compare, cell, document, needs

ADAPTER = ROOT / "benchmarks" / "native" / "adapter.py"
LOOPS = [
    pytest.param("torch", "torch_loop", marks=needs("torch")),
    pytest.param("jax", "jax_loop", marks=needs("jax", "optax")),
]
WIDTH = 16
# Such that ten steps tell: rates that change, gradients that are clipped, weights that decay.
MODELS = {
    "small": ["optimizer.learning_rate=0.01"],
    "lstm": ["optimizer.clip_norm=0.1", "optimizer.decay_after=4", "optimizer.decay_every=2"],
    "gpt": [
        "model.heads=2", "optimizer.learning_rate=0.01", "optimizer.warmup_steps=2",
        "optimizer.weight_decay=2", "optimizer.clip_norm=0.1",
    ],
}  # fmt: skip
TINY = [
    "model.vocab=50", f"model.embedding={WIDTH}", f"model.hidden={WIDTH}", "train.batch=4",
    "train.sequence_length=8", "train.validation_batches=2", "run.device=cpu",
]  # fmt: skip


@pytest.mark.parametrize("preset", MODELS)
@pytest.mark.parametrize(("backend", "loop"), LOOPS)
def test_a_loop_arrives_at_the_losses_of_the_adapter(
    compare: Compare, preset: str, backend: str, loop: str
) -> None:
    settings = [part for text in (*TINY, *MODELS[preset]) for part in ("--set", text)]
    finished = compare(
        "--task", "lm", "--preset", preset, "--steps", "10", *settings,
        "--backend", f"{backend},{ADAPTER}:{loop}", "--json",
    )  # fmt: skip
    found = document(finished)
    ours, theirs = cell(found, backend), cell(found, "native")
    assert theirs["mode"] == loop
    assert len(theirs["losses"]) == 10, theirs["reason"]
    np.testing.assert_allclose(theirs["losses"], ours["losses"], rtol=1e-4)
    assert theirs["validation_loss"] == pytest.approx(ours["validation_loss"], rel=1e-4)
