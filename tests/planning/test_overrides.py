import json
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.findings.time_to_target import Target
from compare.planning.overrides import parse_assignments, read_config, resolve, text_fields
from compare.planning.sweeps import parse_axes

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
        ("model.hidden=wide", r"model\.hidden takes a whole number of 1 or more, not 'wide'"),
        ("train.steps=0", r"train\.steps takes a whole number of 1 or more, not 0"),
        ("train.steps=true", r"train\.steps takes a whole number of 1 or more, not true"),
        (
            "train.steps=99999999999999999999",
            r"train\.steps: beyond 9,007,199,254,740,992, the largest",
        ),
        ("optimizer.name=adm", r"takes sgd, adam or adamw, not 'adm': did you mean adam"),
        ("optimizer.beta1=1", r"beta1 takes a number of 0 or more and below 1, not 1$"),
        ("run.device=tpu", r"run\.device takes auto, cpu, .*cuda:0, not 'tpu'"),
        ("run.precision=200%", r"takes a percentage above 0% and below 100%, .*, not '200%'"),
        ("task.data=[1, 2]", r"task\.data takes text, not \[1, 2\]"),
        ("optimizer.momentum=0.9", "momentum is a setting of sgd"),
        ("train.precision=bf16", r"^train\.precision is called train\.dtype now$"),
        ("hidden=3", "--set takes SECTION.FIELD=VALUE, not 'hidden=3'"),
        ("model.hidden", "--set takes SECTION.FIELD=VALUE"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(assignment: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        resolve(LM, "small", [parse_assignments([assignment])])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("field", ["optimizer.clip_norm", "run.budget", "run.threads"])
def test_a_number_that_can_be_left_out_is_left_out_with_none(field: str) -> None:
    section, name = field.split(".")
    settings = resolve(LM, "gpt", [parse_assignments([f"{field}=none"])])
    assert getattr(getattr(settings, section), name) is None


def test_a_number_of_thousands_of_digits_is_told_in_a_line() -> None:
    for typed in ("9" * 5000, "0x" + "f" * 5000):
        with pytest.raises(UserError, match=r"^train\.steps") as error:
            resolve(LM, "tiny", [parse_assignments([f"train.steps={typed}"])])
        assert len(str(error.value)) < 200


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


FIELDS = [
    (task, section, name)
    for task in ("lm", "translation", "summarization", "sentiment")
    for section, model in load_task(task).settings()
    for name in type(model).model_fields
]
VALUES = st.one_of(
    st.integers(), st.floats(allow_subnormal=False), st.text(), st.booleans(), st.none(),
    st.dates(), st.lists(st.integers(), max_size=2), st.integers(min_value=2**52),
    st.sampled_from([0, -1, 1]),
)  # fmt: skip


@hypothesis.settings(derandomize=True, database=None, deadline=None, max_examples=400)
@hypothesis.given(field=st.sampled_from(FIELDS), value=VALUES)
def test_any_value_of_any_field_is_refused_in_a_line_or_can_be_kept_and_read_again(
    field: tuple[str, str, str], value: object
) -> None:
    task, section, name = load_task(field[0]), field[1], field[2]
    try:
        settings = resolve(task, "tiny", [{section: {name: value}}])
    except UserError as error:
        told = str(error)
        hypothesis.note(told)
        if section not in told or "\n" in told:
            pytest.fail(told)
        return
    written = settings.model_dump_json()
    assert json.loads(written, parse_constant=lambda constant: pytest.fail(constant))
    assert task.settings.model_validate_json(written) == settings


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999"])
def test_a_number_that_is_not_finite_is_refused(value: str) -> None:
    overrides = parse_assignments([f"optimizer.learning_rate={value}"])
    told = r"^optimizer\.learning_rate takes a finite number above 0 and of at most 1e\+30, not "
    with pytest.raises(UserError, match=told):
        resolve(load_task("lm"), "tiny", [overrides])


def test_a_key_outside_the_sections_of_a_configuration_is_told(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("steps = 3\n[model]\nhidden = 8\n")
    with pytest.raises(UserError, match=r"my\.toml': 'steps' stands in no section; put it below"):
        read_config(file)


@pytest.mark.parametrize(
    "typed", ["2024", "1.10", "1e3", "0x1F", "1_000", "2024-01-31", "true", "inf", "1 # a", "a=b"]
)
def test_a_column_may_be_named_by_anything_that_can_be_typed(typed: str) -> None:
    task = load_task("sentiment")
    asked = ["task.data=x.csv", f"task.source={typed}"]
    settings = resolve(task, "tiny", [parse_assignments(asked, text_fields(task))])
    assert settings.task.model_dump()["source"] == typed
    quoted = parse_assignments(["task.data=x.csv", f'task.source="{typed}"'], text_fields(task))
    assert resolve(task, "tiny", [quoted]) == settings
    assert parse_axes([f"task.source={typed},x"], text_fields(task)) == {
        "task.source": [typed, "x"]
    }


def test_a_column_may_be_named_by_a_number_or_a_date_in_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[task]\ndata = 'x.csv'\nsource = 2024\ntarget = 2024-01-31\n")
    task = resolve(load_task("sentiment"), "tiny", [read_config(file)]).task.model_dump()
    assert (task["source"], task["target"]) == ("2024", "2024-01-31")


@pytest.mark.parametrize(
    ("task", "field"),
    [
        ("lm", "task.validation=x.txt"), ("lm", "task.tokens=chars"), ("lm", "task.column=body"),
        ("sentiment", "task.positive=pos"), ("sentiment", "task.split=test"),
        ("translation", "task.source=de"), ("translation", "task.bleu_tokenize=zh"),
        ("summarization", "task.normalise=none"),
    ],
)  # fmt: skip
def test_a_setting_of_data_is_refused_where_the_corpus_is_generated(task: str, field: str) -> None:
    name = field.partition("=")[0].partition(".")[2]
    with pytest.raises(UserError, match=f"{name} is of --data, and this corpus is generated"):
        resolve(load_task(task), "tiny", [parse_assignments([field])])


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("run.target_every=5", "target_every is of a --target, and there is none"),
        ("task.length_penalty=0.5", "length_penalty is of beam search: take two beams or more"),
    ],
)
def test_a_setting_without_what_it_is_of_is_refused(field: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        resolve(load_task("translation"), "tiny", [parse_assignments([field])])


@pytest.mark.parametrize("target", ["accuracy=95", "loss=-1", "loss=nan", "accuracy=inf"])
def test_a_target_that_cannot_be_reached_is_refused(target: str) -> None:
    task = load_task("sentiment")
    with pytest.raises(UserError, match=f"--target {target} cannot be reached: "):
        Target.read(target, task.metrics, {"accuracy": 1.0})
