"""The main job on every built-in framework at once."""

import pytest
from conftest import Compare, document, needs


@needs("torch", "tensorflow", "keras", "jax", "flax", "optax")
def test_all_frameworks_train_the_same_model(compare: Compare) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--json",
        "--backend", "torch,tensorflow,jax,keras,reference",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout
    rows = document(finished)["cells"]
    assert [row["backend"] for row in rows] == ["torch", "tensorflow", "jax", "keras", "reference"]
    for row in rows:
        assert (row["status"], len(row["losses"])) == ("ok", 60)
        assert row["max_loss_difference"] < 1e-5
        assert row["validation_loss"] == pytest.approx(rows[-1]["validation_loss"], rel=1e-5)
        assert row["idle_memory_bytes"] < row["peak_memory_bytes"]
        assert row["phases"]["import"] > 0
        assert 0 < row["ratio_to_fastest"]["value"] <= 1
