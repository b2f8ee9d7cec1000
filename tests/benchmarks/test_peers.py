"""What people train with instead trains, in the benchmark, what the spec describes."""

import pytest
from conftest import ROOT, Compare, document
from test_native import require_the_losses_of_the_oracle

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
    peers = {peer: LIBRARIES[peer] for peer in OF[preset]}
    require_the_losses_of_the_oracle(compare, preset, ADAPTER, peers)


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
