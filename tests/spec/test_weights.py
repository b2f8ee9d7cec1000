import numpy as np

from compare.spec import (
    Dense,
    Embedding,
    ModelSpec,
    Recurrent,
)
from compare.spec.weights import arrays_sha256, initial_weights, perturbed


def model(layers: int = 2) -> ModelSpec:
    return ModelSpec(
        layers=(
            Embedding(vocab=30, dim=4),
            Recurrent(inputs=4, hidden=5, layers=layers),
            Dense(name="head", inputs=5, outputs=30),
        )
    )


def test_weights_are_the_same_on_every_machine() -> None:
    # Drawn on another day; a change here changes every experiment's fingerprint.
    found = arrays_sha256(initial_weights(model(), seed=1))
    assert found == "e781196f1f1d15bd2beeaeeb29e641f352eace8e9310787b9e16019b41c4edc7"


def test_adding_a_layer_changes_no_other_layer() -> None:
    small, large = initial_weights(model(2), 1), initial_weights(model(3), 1)
    for name, value in small.items():
        np.testing.assert_array_equal(value, large[name])


def test_the_seed_changes_all_but_the_zeros() -> None:
    one, two = initial_weights(model(), 1), initial_weights(model(), 2)
    assert all(np.any(one[name] != two[name]) for name in one if not name.endswith("bias"))
    assert all(not one[name].any() for name in one if name.endswith("bias"))


def test_uniform_draws_fill_their_range() -> None:
    table = initial_weights(ModelSpec(layers=(Embedding(vocab=5000, dim=10),)), 1)
    values = table["embedding.table"]
    assert values.dtype == np.float32
    assert 0.0999 < np.abs(values).max() <= 0.1
    assert abs(values.mean()) < 0.001


def test_a_perturbed_weight_is_the_neighbouring_number() -> None:
    weights = initial_weights(model(), 1)
    for precision, dtype in (("fp32", np.float32), ("fp64", np.float64)):
        moved = perturbed(weights, precision)  # type: ignore[arg-type]
        for name, value in weights.items():
            exact = value.astype(dtype)
            steps = np.abs(moved[name] - exact)
            expected = np.where(exact == 0, 0, np.spacing(np.abs(exact)))
            assert moved[name].dtype == dtype
            # Below a power of two the neighbour is half as far.
            assert np.all((steps == expected) | (steps == expected / 2))


def test_the_hash_sees_names_shapes_and_values_but_not_order() -> None:
    a, b = np.zeros(4, np.float32), np.ones(4, np.float32)
    base = arrays_sha256({"a": a, "b": b})
    assert arrays_sha256({"b": b, "a": a}) == base
    assert arrays_sha256({"a": b, "b": a}) != base
    assert arrays_sha256({"a": a.reshape(2, 2), "b": b}) != base
