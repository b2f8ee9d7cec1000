"""The hand-written loops that adapters are raced against train what the spec describes."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Compare, document

from compare.findings.parity import relative_difference

ADAPTER = ROOT / "benchmarks" / "native" / "native.py"
LOOPS = {
    "torch_loop": ["torch"],
    "jax_loop": ["jax", "optax"],
    "tensorflow_loop": ["tensorflow"],
    "keras_loop": ["keras", "tensorflow"],
    "keras_fit": ["keras", "tensorflow"],
}
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
    "model.vocab=50", "model.embedding=16", "model.hidden=16", "train.batch=4",
    "train.sequence_length=8", "train.validation_batches=2", "run.device=cpu", "run.roofline=false",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["small", "gpt"])
def test_loops_of_two_processes_arrive_at_the_losses_of_one(
    all_cpus: None, compare: Compare, preset: str
) -> None:
    """Clipped gradients, carried states and weights at the end, which must be the same on both."""
    loops = ("torch_loop", "jax_loop", "tensorflow_loop")
    installed = [loop for loop in loops if all(map(find_spec, LOOPS[loop]))]
    settings = [part for text in (*TINY, *MODELS[preset]) for part in ("--set", text)]
    cells = ["reference", *(f"{ADAPTER}:{loop}" for loop in installed)]
    finished = compare(
        "--task", "lm", "--preset", preset, "--steps", "10", "--rounds", "1", *settings,
        "--set", "optimizer.clip_norm=0.1", "--backend", ",".join(cells), "--ranks", "1,2",
        "--threads", "1", "--json",
    )  # fmt: skip
    oracle, *found = document(finished)["cells"]
    several = [row for row in found if row["backend"] == "native" and row["ranks"] == 2]
    assert [row["mode"] for row in several] == installed
    for row in several:
        assert len(row["losses"]) == 10, row["reason"]
        apart = relative_difference(row["losses"], oracle["losses"])
        np.testing.assert_array_less(apart, 1e-4, err_msg=row["mode"])
        assert row["validation_loss"] == pytest.approx(oracle["validation_loss"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("preset", MODELS)
def test_loops_arrive_at_the_losses_of_the_oracle(compare: Compare, preset: str) -> None:
    require_the_losses_of_the_oracle(compare, preset, ADAPTER, LOOPS)


def require_the_losses_of_the_oracle(
    compare: Compare, preset: str, adapter: Path, loops: Mapping[str, list[str]]
) -> None:
    """Of those loops whose libraries are installed."""
    installed = [loop for loop, needed in loops.items() if all(map(find_spec, needed))]
    settings = [part for text in (*TINY, *MODELS[preset]) for part in ("--set", text)]
    cells = ["reference", *(f"{adapter}:{loop}" for loop in installed)]
    finished = compare(
        "--task", "lm", "--preset", preset, "--steps", "10", "--rounds", "1", *settings,
        "--backend", ",".join(cells), "--json",
    )  # fmt: skip
    oracle, *found = document(finished)["cells"]
    assert [row["mode"] for row in found] == installed
    for row in found:
        assert len(row["losses"]) == 10, row["reason"]
        apart = relative_difference(row["losses"], oracle["losses"])
        np.testing.assert_array_less(apart, 1e-4, err_msg=row["mode"])
        assert row["validation_loss"] == pytest.approx(oracle["validation_loss"], rel=1e-4)
