"""What people train with instead trains, in the benchmark, what the spec describes."""

from importlib.util import find_spec

import numpy as np
import pytest
from conftest import ROOT, Compare, document
from test_native import MODELS, TINY

from compare.findings.parity import relative_difference

ADAPTER = ROOT / "benchmarks" / "peers" / "peers.py"
LIBRARIES = {
    "small_gpt": ["torch"],
    "word_rnn": ["torch"],
    "hf_trainer": ["torch", "transformers", "accelerate"],
    "lightning_fit": ["torch", "lightning"],
    "flax_loop": ["jax", "flax"],
}
OF = {
    "small": ["word_rnn", "lightning_fit"],
    "lstm": ["word_rnn", "lightning_fit"],
    "gpt": ["small_gpt", "hf_trainer", "lightning_fit", "flax_loop"],
}


@pytest.mark.slow
@pytest.mark.parametrize("preset", OF)
def test_peers_arrive_at_the_losses_of_the_oracle(compare: Compare, preset: str) -> None:
    installed = [peer for peer in OF[preset] if all(map(find_spec, LIBRARIES[peer]))]
    settings = [part for text in (*TINY, *MODELS[preset]) for part in ("--set", text)]
    cells = ["reference", *(f"{ADAPTER}:{peer}" for peer in installed)]
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


@pytest.mark.slow
def test_a_model_that_a_peer_does_not_have_is_not_supported(compare: Compare) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--steps", "4", "--backend",
        f"reference,{ADAPTER}:small_gpt", "--json",
    )  # fmt: skip
    _, found = document(finished)["cells"]
    assert (found["status"], found["reason"]) == (
        "skipped",
        "not supported: a model that is no GPT",
    )
