"""The audit catches each planted mistake, and for the reason for which it was planted."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ADAPTERS, Compare, command, environment

from compare.audit import TOLERANCES

PLANTED = Path(__file__).parent / "planted.py"

# The first kind of number, in the order in which they are computed, that must be outside.
CAUGHT_BY = {
    "kernel_transposed": "logits",
    "recurrent_transposed": "logits",
    "sparse_embedding": "gradients of embedding.table",
    "mean_over_batch": "gradients",
    "epsilon_inside_root": "losses",
    "keras_epsilon": "losses",
    "no_bias_correction": "losses",
    "float32_constants": "losses",
    "two_trainable_biases": "losses",
    "state_not_carried": "losses at step",
    "state_not_detached": "losses at step",
    "loss_in_float32": "losses",
}


def test_the_tolerances_are_not_widened() -> None:
    assert TOLERANCES == {"logits": 1e-12, "gradients": 1e-12, "losses": 1e-10, "weights": 1e-10}


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One audit of all planted mistakes, by mode."""
    finished = subprocess.run(
        command("audit", "--task", "lm", "--backend", str(PLANTED), "--steps", "40", "--json"),
        cwd=tmp_path_factory.mktemp("audit"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 1, finished.stderr
    return {row["mode"]: row for row in json.loads(finished.stdout)}


def test_every_mode_of_the_adapter_was_audited(audited: dict[str, dict[str, Any]]) -> None:
    assert set(audited) == {*CAUGHT_BY, "nothing"}


def test_without_a_mistake_the_figures_are_rounding(audited: dict[str, dict[str, Any]]) -> None:
    row = audited["nothing"]
    assert (row["status"], row["reason"]) == ("ok", "")
    assert all(check["worst"] < 1e-14 for check in row["checks"].values())


@pytest.mark.parametrize(("mistake", "first"), CAUGHT_BY.items())
def test_a_planted_mistake_is_caught(
    audited: dict[str, dict[str, Any]], mistake: str, first: str
) -> None:
    row = audited[mistake]
    assert row["status"] == "parity_failed"
    assert row["reason"].startswith(f"first seen in {first}")


def test_a_float32_audit_is_judged_by_the_cell_s_own_rounding(compare: Compare) -> None:
    finished = compare(
        "audit", "--backend", f"{PLANTED}:nothing,{PLANTED}:no_bias_correction",
        "--set", "train.precision=fp32", "--steps", "40", "--json",
    )  # fmt: skip
    good, bad = json.loads(finished.stdout)
    assert (good["status"], bad["status"]) == ("ok", "parity_failed")
    assert 1e-6 <= good["checks"]["losses"]["allowed"] < 1e-4


def test_what_cannot_be_audited_says_why(compare: Compare) -> None:
    trouble = ADAPTERS / "trouble.py"
    finished = compare("audit", "--backend", f"{trouble}:missing,{trouble}:raises", "--json")
    missing, raises = json.loads(finished.stdout)
    assert (missing["status"], missing["checks"]) == ("skipped", {})
    assert raises["status"] == "failed"
    assert "RuntimeError" in raises["reason"]
    assert finished.returncode == 1


def test_the_table_names_where_the_worst_figure_is(compare: Compare) -> None:
    finished = compare("audit", "--backend", f"{PLANTED}:sparse_embedding", "--steps", "3")
    assert finished.returncode == 1
    assert "of embedding.table at [" in finished.stdout
