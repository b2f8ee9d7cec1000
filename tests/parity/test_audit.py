"""The audit catches each planted mistake, and for the reason for which it was planted."""

import json
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from conftest import ADAPTERS, Compare, command, environment, needs

from compare.planning.selection import choose_cells
from compare.planning.survey import describe_backends
from compare.running.audit import TOLERANCES, decided

PLANTED = ADAPTERS / "planted.py"

PADDED = Path(__file__).parent / "padded_task.py"

# What is audited -> planted mistake -> the first number, in the order in which they are
# computed, that must be outside: the reason for which it was planted.
CAUGHT_BY: dict[tuple[str, ...], dict[str, str]] = {
    (): {
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
    },
    ("model.architecture=gru",): {
        "gru_gates_swapped": "logits",
        "reset_before_the_product": "logits",
        "second_bias_of_two_gates": "losses",
    },
    ("model.architecture=lstm",): {"lstm_gates_permuted": "logits"},
    ("model.architecture=gpt", "model.tied=true", "model.dropout=0.2"): {
        "exact_gelu": "logits",
        "layer_norm_epsilon": "logits",
        "post_norm": "logits",
        "unscaled_attention": "logits",
        "mask_off_by_one": "logits",
        "dropout_not_rescaled": "gradients",
        "tied_gradient_of_the_embedding_only": "gradients of embedding.table",
    },
    ("model.architecture=gpt", "optimizer.epsilon=1e-12"): {"weights_through_float32": "weights"},
    ("optimizer.name=adamw", "optimizer.weight_decay=0.1"): {
        "coupled_decay": "losses",
        "decay_on_biases": "losses",
    },
    (
        "optimizer.name=sgd", "optimizer.learning_rate=0.5", "optimizer.momentum=0.9",
        "optimizer.nesterov=true", "optimizer.schedule=linear",
    ): {
        "momentum_with_the_rate_folded_in": "losses",
        "nesterov_left_out": "losses",
        "first_rate_only": "losses",
    },
    ("optimizer.clip_norm=0.05",): {
        "clipping_after_the_optimiser": "losses",
        "clipping_norm_of_sparse_slices": "losses",
        "clipping_norm_plus_a_little": "losses",
    },
    (str(PADDED),): {
        "loss_averaged_over_padding": "gradients",
        "mean_of_the_means_of_micro_batches": "gradients",
        "encoder_padding_seen": "logits",
    },
    (str(PADDED), "model.pool=true", "model.rotary=true"): {
        "pool_over_padding": "logits",
        "rotary_of_neighbours": "logits",
    },
}  # fmt: skip


def together(group: tuple[str, ...]) -> pytest.MarkDecorator:
    """Tests of one group run in one process, which audits the group once."""
    return pytest.mark.xdist_group(group_id(group))


def group_id(group: tuple[str, ...]) -> str:
    return " ".join(Path(text).stem for text in group) or "elman"


GROUPS = [pytest.param(group, id=group_id(group), marks=together(group)) for group in CAUGHT_BY]
CASES = [
    pytest.param(group, mistake, first, id=mistake, marks=together(group))
    for group, mistakes in CAUGHT_BY.items()
    for mistake, first in mistakes.items()
]


def test_the_tolerances_are_not_widened() -> None:
    assert TOLERANCES == {"logits": 1e-12, "gradients": 1e-12, "losses": 1e-10, "weights": 1e-10}


@cache
def audited(group: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """One audit of the mistakes of a group, and of none, by mode."""
    task, settings = "lm", group
    if group and group[0].endswith(".py"):
        task, settings = group[0], group[1:]
    modes = ",".join(f"{PLANTED}:{mode}" for mode in ("nothing", *CAUGHT_BY[group]))
    chosen = [argument for setting in settings for argument in ("--set", setting)]
    asked = ["--task", task, "--backend", modes, "--steps", "40", "--json", *chosen]
    with TemporaryDirectory() as folder:
        finished = subprocess.run(
            command("audit", *asked),
            cwd=folder, env=environment(), capture_output=True, text=True, timeout=300,
        )  # fmt: skip
    assert finished.returncode == 1, finished.stderr
    return {row["mode"]: row for row in json.loads(finished.stdout)}


def test_every_planted_mistake_is_audited() -> None:
    (choice,) = choose_cells([f"{PLANTED}:nothing"], {})
    described = describe_backends([choice.adapter], {})[choice.adapter]
    caught = {mistake for mistakes in CAUGHT_BY.values() for mistake in mistakes}
    # Every batch of a task with a source has its mask: that one can be without, the kit tells.
    assert set(described.modes) == {"nothing", "source_mask_taken_for_granted", *caught}


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_the_same_adapter_without_a_mistake_passes(group: tuple[str, ...]) -> None:
    row = audited(group)["nothing"]
    assert row["status"] == "ok"
    assert all(check["passed"] for check in row["checks"].values())


@pytest.mark.slow
@pytest.mark.parametrize(("group", "mistake", "first"), CASES)
def test_a_planted_mistake_is_caught(group: tuple[str, ...], mistake: str, first: str) -> None:
    row = audited(group)[mistake]
    assert row["status"] == "parity_failed"
    assert row["reason"].startswith(f"first seen in {first}")


@pytest.mark.slow
def test_a_float32_audit_is_judged_by_the_cell_s_own_rounding(compare: Compare) -> None:
    finished = compare(
        "audit", "--backend", f"{PLANTED}:nothing,{PLANTED}:no_bias_correction",
        "--set", "train.dtype=fp32", "--steps", "40", "--json",
    )  # fmt: skip
    good, bad = json.loads(finished.stdout)
    assert (good["status"], bad["status"]) == ("ok", "parity_failed")
    assert 1e-6 <= good["checks"]["losses"]["allowed"] < 1e-4


@pytest.mark.slow
@needs("torch")
def test_what_wanders_without_a_gradient_may(compare: Compare) -> None:
    """The bias of a key: with so small an epsilon Adam makes large steps of its rounding."""
    finished = compare(
        "audit", "--backend", "torch:eager", "--steps", "20", "--json",
        "--set", "model.architecture=gpt", "--set", "optimizer.epsilon=1e-12",
    )  # fmt: skip
    (row,) = json.loads(finished.stdout)
    assert row["status"] == "ok"
    found = row["checks"]["weights"]
    assert TOLERANCES["weights"] < found["worst"] <= found["allowed"]
    assert ".qkv.bias" in found["where"]


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


def test_where_texts_have_groups_every_decision_is_compared(compare: Compare) -> None:
    asked = ["audit", "--task", "sentiment", "--backend", "reference", "--steps", "3"]
    (row,) = json.loads(compare(*asked, "--json").stdout)
    assert row["checks"]["decisions"] == {
        "worst": 0.0, "allowed": 0.0, "where": "of 64", "passed": True
    }  # fmt: skip
    finished = compare(*asked)
    assert "0 of 64" in finished.stdout
    assert "every figure of groups is the same" in finished.stdout


def test_one_other_decision_is_too_many() -> None:
    expected = np.zeros(64, int)
    found = expected.copy()
    found[3] = 1
    assert not decided(found, expected).passed
    assert decided(found, found).passed
