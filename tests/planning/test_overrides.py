from pathlib import Path

import pytest

from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.overrides import parse_assignments, read_config, resolve

LM = load_task("lm")


def test_later_layers_win_over_earlier_ones() -> None:
    settings = resolve(
        LM, "tiny", [{"train": {"steps": 7, "batch": 3}}, parse_assignments(["train.steps=9"])]
    )
    assert (settings.train.steps, settings.train.batch) == (9, 3)


def test_the_default_is_the_classic_small_rnn() -> None:
    settings = resolve(LM, "small", [])
    model = settings.model.model_dump()
    assert (model["architecture"], model["vocab"]) == ("elman", 10_000)
    assert (model["embedding"], model["hidden"], model["layers"]) == (200, 200, 2)
    assert (model["dropout"], model["tied"]) == (0.0, False)
    assert (settings.train.batch, settings.train.sequence_length) == (20, 35)
    assert (settings.optimizer.name, settings.optimizer.learning_rate) == ("adam", 0.001)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5", 0.5), ("12", 12), ("true", True), ('"a b"', "a b"), ("sgd", "sgd"), ("a=b", "a=b")],
)
def test_assignments_are_read_as_toml_or_as_plain_words(text: str, value: object) -> None:
    assert parse_assignments([f"optimizer.name={text}"]) == {"optimizer": {"name": value}}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.hiden=3", "unknown field 'hiden' in section model: did you mean hidden[?]"),
        ("optimizer.steps=3", r"unknown field 'optimizer\.steps': did you mean train\.steps"),
        ("modle.hidden=3", r"unknown section 'modle' in the settings: did you mean model"),
        ("model.hidden=wide", r"model\.hidden: .*integer.*'wide'"),
        ("train.steps=0", r"train\.steps: .*greater than 0, not 0"),
        ("optimizer.name=adm", r"optimizer\.name: .*'sgd', 'adam' or 'adamw'.*'adm'"),
        ("optimizer.momentum=0.9", "momentum is a setting of sgd"),
        ("hidden=3", "--set takes SECTION.FIELD=VALUE, not 'hidden=3'"),
        ("model.hidden", "--set takes SECTION.FIELD=VALUE"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(assignment: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        resolve(LM, "small", [parse_assignments([assignment])])
    assert "\n" not in str(error.value)


def test_a_config_file_is_sections_of_fields(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[model]\nhidden = 64\n[optimizer]\nname = 'sgd'\n")
    settings = resolve(LM, "small", [read_config(file)])
    assert (settings.model.model_dump()["hidden"], settings.optimizer.name) == (64, "sgd")


def test_bad_config_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_config(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[model\n")
    with pytest.raises(UserError, match=r"broken\.toml' is not TOML: .*line 1"):
        read_config(broken)
    flat = tmp_path / "flat.toml"
    flat.write_text("model = 3\n")
    with pytest.raises(UserError, match="'model' is a section"):
        resolve(LM, "small", [read_config(flat)])
