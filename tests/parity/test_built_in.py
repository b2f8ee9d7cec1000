"""The two promises over the long run: float64 to the last digits, float32 within the gate."""

import json

import pytest
from conftest import Compare, document, needs

pytestmark = [
    pytest.mark.slow,
    needs("torch", "tensorflow", "keras", "jax", "flax", "optax"),
]


def test_every_built_in_backend_and_mode_passes_the_audit(compare: Compare) -> None:
    finished = compare("audit", "--task", "lm", "--steps", "100", "--json")
    rows = json.loads(finished.stdout)
    assert finished.returncode == 0, finished.stdout
    assert len(rows) == 8
    assert {row["status"] for row in rows} == {"ok"}


def test_honest_backends_pass_the_float32_gate_for_a_thousand_steps(compare: Compare) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--steps", "1000", "--json",
        "--backend", "torch,tensorflow,jax,keras,reference",
    )  # fmt: skip
    rows = document(finished)["cells"]
    assert {row["status"] for row in rows} == {"ok"}, rows
