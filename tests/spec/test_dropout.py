import numpy as np

from compare.conformance.cases import MODELS
from compare.contracts import Batches
from compare.spec import Dropout, Embedding, ModelSpec, TrainSpec, field_of
from compare.spec.dropout import with_dropout_masks

MODEL = ModelSpec(layers=(Embedding(vocab=9, dim=50), Dropout(width=50, rate=0.3)))


def batches(steps: int) -> Batches:
    return {"inputs": np.zeros((steps, 20, 10), np.int32)}


def masks(first: int, steps: int, **train: object) -> np.ndarray:
    spec = TrainSpec.model_validate(train)
    return with_dropout_masks(batches(steps), MODEL, spec, first)[field_of("dropout")]


def test_a_mask_keeps_the_share_that_the_rate_leaves() -> None:
    found = masks(0, 5)
    assert found.shape == (5, 20, 10, 50)
    assert found.dtype == bool
    assert abs(found.mean() - 0.7) < 0.01


def test_a_step_s_mask_is_the_same_in_every_window_and_another_at_every_step() -> None:
    np.testing.assert_array_equal(masks(0, 5)[3:], masks(3, 2))
    assert np.any(masks(0, 1) != masks(1, 1))
    assert np.any(masks(0, 1) != masks(0, 1, seed=2))


def test_none_is_drawn_where_frameworks_draw_their_own_or_nothing_drops() -> None:
    train = TrainSpec(dropout_masks="native")
    assert set(with_dropout_masks(batches(1), MODEL, train, 0)) == {"inputs"}
    assert set(with_dropout_masks(batches(1), MODELS["dense"], TrainSpec(), 0)) == {"inputs"}
