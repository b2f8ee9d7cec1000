import pytest
from pydantic import ValidationError

from compare.spec import Dense, Embedding, ModelSpec, OptimizerSpec, Recurrent, canonical_json

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
    twice = ModelSpec(layers=(Dense(inputs=2, outputs=2), Dense(inputs=2, outputs=2)))
    with pytest.raises(ValueError, match=r"dense\.kernel"):
        twice.parameters()


def test_a_model_survives_the_way_through_json() -> None:
    assert ModelSpec.model_validate_json(canonical_json(SMALL)) == SMALL


def test_misspelt_and_impossible_fields_are_errors() -> None:
    with pytest.raises(ValidationError):
        OptimizerSpec.model_validate({"learning_rat": 0.1})
    with pytest.raises(ValidationError):
        OptimizerSpec(learning_rate=-1)
    with pytest.raises(ValidationError, match="momentum is a setting of sgd"):
        OptimizerSpec(name="adam", momentum=0.9)
