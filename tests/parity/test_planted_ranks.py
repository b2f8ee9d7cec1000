"""The audit of ranks catches each mistake that training on several processes is known for."""

import json
import subprocess
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from conftest import ADAPTERS, command, environment

from compare.contracts.loading import load_backend

PLANTED = ADAPTERS / "planted_ranks.py"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("planted_ranks")]

SGD = ("optimizer.name=sgd", "optimizer.learning_rate=0.5")
# What is audited -> planted mistake -> what it is called. Adam does not feel how long a
# gradient is, nor do batches without padding how a mean is taken: hence the settings.
CAUGHT_BY: dict[tuple[str, ...], dict[str, str]] = {
    ("lm", "model.dropout=0.2", *SGD): {
        "average_for_sum": "the gradient is 1/2 of it: averaged over ranks, and not added up",
        "summed_twice": "the gradient is 2 times too large: added up twice",
        "average_that_came_as_sum": "multiplied to undo an average that was a sum",
        "same_mask_on_each_rank": "dropout masks have to be those of each rank's own rows",
        "state_not_cut": "go on from the state that its own rows left",
        "same_rows_on_each_rank": "every rank trains on the same rows",
        "loss_of_the_first_rank_only": "only rank 0 tells its share of the loss",
        "loss_of_all_on_each_rank": "every rank tells the loss of the whole batch",
        "other_weights": "replicas differ: rank 1 has other weights than rank 0",
        "drifting_replica": "replicas differ: rank 1 has other weights than rank 0",
    },
    ("lm", "optimizer.clip_norm=0.05", *SGD): {
        "clipped_before_the_sum": "each rank clips its own gradient, and not the sum of all",
        "norm_summed_twice": "the norm that clips is sqrt(2) times too long",
    },
    ("translation", *SGD): {
        "local_count": "each rank divides by its own valid targets",
        "mean_of_local_means": "the loss is the mean of the ranks' means",
    },
}
CASES = [
    pytest.param(group, mistake, first, id=mistake)
    for group, mistakes in CAUGHT_BY.items()
    for mistake, first in mistakes.items()
]


@cache
def audited(group: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """One audit of the mistakes of a group, and of none, by mode."""
    task, *settings = group
    modes = ",".join(f"{PLANTED}:{mode}" for mode in ("nothing", *CAUGHT_BY[group]))
    chosen = [text for setting in settings for text in ("--set", setting)]
    asked = ["--task", task, "--backend", modes, "--ranks", "2", "--steps", "8", "--json", *chosen]
    with TemporaryDirectory() as folder:
        finished = subprocess.run(
            command("audit", *asked),
            cwd=folder, env=environment(), capture_output=True, text=True, timeout=300,
        )  # fmt: skip
    assert finished.returncode == 1, finished.stderr
    return {row["mode"]: row for row in json.loads(finished.stdout)}


def test_every_planted_mistake_is_audited() -> None:
    caught = {mistake for mistakes in CAUGHT_BY.values() for mistake in mistakes}
    others = {"nothing", "asleep", "raises", "cannot_join"}
    assert set(load_backend(str(PLANTED)).modes) == others | caught


@pytest.mark.parametrize("group", CAUGHT_BY)
def test_ranks_without_a_mistake_pass(group: tuple[str, ...]) -> None:
    assert audited(group)["nothing"]["status"] == "ok"


@pytest.mark.parametrize(("group", "mistake", "first"), CASES)
def test_a_planted_mistake_is_caught(group: tuple[str, ...], mistake: str, first: str) -> None:
    row = audited(group)[mistake]
    assert row["status"] == ("failed" if first.startswith("replicas") else "parity_failed")
    assert first in row["reason"]


def test_uneven_padding_is_what_shows_a_mean_of_means() -> None:
    """In batches without padding every rank has as many targets, and nothing is off."""
    asked = ["--task", "lm", "--backend", f"{PLANTED}:mean_of_local_means", "--ranks", "2"]
    with TemporaryDirectory() as folder:
        finished = subprocess.run(
            command("audit", *asked, "--steps", "8", "--json"),
            cwd=folder, env=environment(), capture_output=True, text=True, timeout=300,
        )  # fmt: skip
    (row,) = json.loads(finished.stdout)
    assert row["checks"]["losses"]["passed"]
    assert row["checks"]["weights"]["passed"]
