import pytest
from pydantic import ValidationError

from compare.conformance.cases import MODELS
from compare.spec import (
    CrossAttention,
    Dense,
    Dropout,
    Embedding,
    ModelSpec,
    OptimizerSpec,
    Pool,
    Recurrent,
    TiedHead,
    TrainSpec,
    TransformerBlock,
)
from compare.spec.experiment import canonical_json

SMALL = ModelSpec(
    layers=(
        Embedding(vocab=10_000, dim=200),
        Recurrent(inputs=200, hidden=200, layers=2),
        Dense(name="head", inputs=200, outputs=10_000),
    )
)


def test_the_inventory_names_every_parameter_with_its_shape() -> None:
    shapes = {name: parameter.shape for name, parameter in SMALL.parameters().items()}
    assert shapes == {
        "embedding.table": (10_000, 200),
        "rnn.0.kernel": (200, 200),
        "rnn.0.recurrent": (200, 200),
        "rnn.0.bias": (200,),
        "rnn.1.kernel": (200, 200),
        "rnn.1.recurrent": (200, 200),
        "rnn.1.bias": (200,),
        "head.kernel": (200, 10_000),
        "head.bias": (10_000,),
    }


def test_two_layers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"dense\.kernel"):
        ModelSpec(layers=(Dense(inputs=2, outputs=2), Dense(inputs=2, outputs=2)))


def test_a_model_survives_the_way_through_json() -> None:
    assert ModelSpec.model_validate_json(canonical_json(SMALL)) == SMALL


def test_a_field_that_was_renamed_is_read_and_leaves_fingerprints_as_they_were() -> None:
    old = TrainSpec.model_validate({"precision": "bf16"})
    assert old == TrainSpec(dtype="bf16")
    assert (old.dtype, old.precision) == ("bf16", "bf16")
    assert '"precision":"bf16"' in canonical_json(old)
    assert old.model_dump()["dtype"] == "bf16"
    assert TrainSpec.model_validate(old.model_dump()) == old


def test_misspelt_and_impossible_fields_are_errors() -> None:
    with pytest.raises(ValidationError):
        OptimizerSpec.model_validate({"learning_rat": 0.1})
    with pytest.raises(ValidationError):
        OptimizerSpec(learning_rate=-1)
    with pytest.raises(ValidationError, match="momentum is a setting of sgd"):
        OptimizerSpec(name="adam", momentum=0.9)
    with pytest.raises(ValidationError, match="weight_decay is a setting of adamw"):
        OptimizerSpec(name="adam", weight_decay=0.1)
    with pytest.raises(ValidationError, match="20 is not 3 equal micro-batches"):
        TrainSpec(accumulation=3)


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_layer_survives_the_way_through_json(name: str) -> None:
    assert ModelSpec.model_validate_json(canonical_json(MODELS[name])) == MODELS[name]


def test_parts_that_do_not_fit_together_are_refused() -> None:
    tokens, attends = Embedding(vocab=9, dim=4), CrossAttention(width=4, heads=2, memory=4)
    with pytest.raises(ValidationError, match="cross attends to an encoder"):
        ModelSpec(layers=(tokens, attends))
    carrying = Recurrent(name="reader", inputs=4, hidden=4, layers=1)
    with pytest.raises(ValidationError, match="reader is in the encoder"):
        ModelSpec(encoder=(Embedding(name="source", vocab=9, dim=4), carrying), layers=(tokens,))
    with pytest.raises(ValidationError, match=r"tied to embedding\.table, which is not there"):
        ModelSpec(layers=(TiedHead(),))
    with pytest.raises(ValidationError, match="3 heads do not divide a width of 4"):
        TransformerBlock(width=4, heads=3, hidden=8)
    with pytest.raises(ValidationError, match="even width per head"):
        TransformerBlock(width=6, heads=2, hidden=8, rotary=True)


def test_a_block_s_parameters_are_those_of_gpt_2() -> None:
    block = TransformerBlock(name="block.0", width=4, heads=2, hidden=16, blocks=8)
    shapes = {name: parameter.shape for name, parameter in block.parameters().items()}
    assert shapes["block.0.attention.qkv.kernel"] == (4, 12)
    assert shapes["block.0.feedforward.in.kernel"] == (4, 16)
    assert len(shapes) == 12
    onto_residual = block.parameters()["block.0.attention.out.kernel"].initializer
    assert onto_residual.scale == pytest.approx(0.02 / 16**0.5)


def test_places_of_dropout_have_the_time_axis_of_their_side() -> None:
    model = ModelSpec(
        encoder=(
            Embedding(name="source", vocab=9, dim=4),
            TransformerBlock(name="reader", width=4, heads=2, hidden=8, causal=False, dropout=0.1),
        ),
        layers=(
            Embedding(vocab=9, dim=4),
            TransformerBlock(width=4, heads=2, hidden=8, memory=4, dropout=0.2),
            Dropout(name="never", width=4, rate=0.0),
            Pool(),
            Dropout(name="last", width=4, rate=0.5),
        ),
    )
    found = {name: (field, site.rate) for name, field, site in model.dropouts()}
    assert found == {
        "reader.attention": ("source", 0.1),
        "reader.feedforward": ("source", 0.1),
        "block.attention": ("inputs", 0.2),
        "block.cross": ("inputs", 0.2),
        "block.feedforward": ("inputs", 0.2),
        "last": ("", 0.5),
    }


def rates(steps: int, **settings: object) -> list[float]:
    return OptimizerSpec.model_validate(settings).learning_rates(0, steps, steps)


def test_warm_up_rises_linearly_and_ends_at_the_full_rate() -> None:
    found = rates(6, learning_rate=1.0, warmup_steps=3)
    assert found == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])


def test_cosine_and_linear_go_from_the_rate_to_the_final_one() -> None:
    for schedule in ("cosine", "linear"):
        found = rates(101, learning_rate=1.0, final_learning_rate=0.2, schedule=schedule)
        assert found[0] == 1.0
        assert found[-1] == pytest.approx(0.2, abs=0.01)
        assert found == sorted(found, reverse=True)
    # Half way a cosine is half way down; a quarter of the way it is higher than a line.
    assert rates(100, learning_rate=1.0, schedule="cosine")[50] == pytest.approx(0.5)
    assert rates(100, learning_rate=1.0, schedule="cosine")[25] == pytest.approx(0.8536, abs=1e-4)
    assert rates(100, learning_rate=1.0, schedule="linear")[25] == pytest.approx(0.75)


def test_steps_decay_as_often_as_asked_and_not_before() -> None:
    found = rates(
        9, learning_rate=1.0, schedule="step", decay_after=3, decay_every=2, decay_factor=0.5
    )
    assert found == [1.0] * 5 + [0.5, 0.5, 0.25, 0.25]


def test_a_rate_does_not_depend_on_the_window_it_is_asked_in() -> None:
    spec = OptimizerSpec(schedule="cosine", warmup_steps=5)
    assert spec.learning_rates(3, 9, 20) == spec.learning_rates(0, 20, 20)[3:9]
