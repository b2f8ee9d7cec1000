import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compare.contracts import Prepared
from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.findings.cell_summary import bits_per_byte
from compare.planning.overrides import resolve
from compare.sources.bad_rows import BadRows
from compare.sources.plain import open_texts
from compare.spec.inputs import Dataset

LM = load_task("lm")


def prepare(folder: Path, text: str, **train: int) -> tuple[Prepared, dict[str, Dataset]]:
    file = folder / "text.txt"
    file.write_text(text, encoding="utf-8")
    overrides = {"task": {"data": str(file), "tokens": "chars"}, "train": train}
    prepared = LM.prepare(resolve(LM, "tiny", [overrides]))
    data = folder / "data"
    data.mkdir()
    for name, array in prepared.arrays.items():
        np.save(data / f"{name}.npy", array)
    return prepared, {split: Dataset(folder, cuts) for split, cuts in prepared.splits.items()}


TEXT = "".join(chr(97 + i % 26) for i in range(1000))


def test_rows_are_contiguous_streams_that_go_on_from_step_to_step(tmp_path: Path) -> None:
    prepared, data = prepare(tmp_path, TEXT, batch=3, sequence_length=5, steps=6)
    inputs = data["train"].batches(0, 6)["inputs"]  # (steps, batch, time)
    tokens = prepared.arrays["train"]
    for row in range(3):
        start = row * (len(tokens) // 3)
        np.testing.assert_array_equal(inputs[:, row].reshape(-1), tokens[start : start + 30])


def test_targets_are_the_inputs_one_token_later(tmp_path: Path) -> None:
    _, data = prepare(tmp_path, TEXT, batch=3, sequence_length=5, steps=6)
    batches = data["train"].batches(0, 6)
    np.testing.assert_array_equal(batches["inputs"][:, :, 1:], batches["targets"][:, :, :-1])
    np.testing.assert_array_equal(batches["targets"][:-1, :, -1], batches["inputs"][1:, :, 0])
    assert batches["inputs"].dtype == np.int32


def test_validation_tokens_are_never_trained_on(tmp_path: Path) -> None:
    text = "a" * 900 + "z" * 100  # the last tenth is validation
    prepared, data = prepare(tmp_path, text, batch=2, sequence_length=5, steps=1000)
    validation = data["validation"].batches(0, len(data["validation"]))
    trained = data["train"].batches(0, 1000)
    assert len(np.unique(trained["inputs"])) == len(np.unique(trained["targets"])) == 1
    assert set(np.unique(validation["inputs"])) == {0}  # "z" was never seen: <unk>
    assert prepared.about["unknown_share"] == 1.0


def test_a_text_that_ends_starts_again_in_training_but_not_in_validation(tmp_path: Path) -> None:
    _, data = prepare(tmp_path, TEXT, batch=3, sequence_length=5, steps=200, validation_batches=500)
    inputs = data["train"].batches(0, 200)["inputs"]
    per_epoch = (900 // 3 - 1) // 5
    np.testing.assert_array_equal(inputs[0], inputs[per_epoch])
    assert len(data["validation"]) == (100 // 3 - 1) // 5


def test_the_model_has_as_many_words_as_the_text(tmp_path: Path) -> None:
    prepared, _ = prepare(tmp_path, TEXT)
    assert prepared.model.parameters()["head.bias"].shape == (27,)  # 26 letters and <unk>
    assert prepared.floor is None


def test_a_split_too_short_for_one_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"validation split has 10 tokens, too short"):
        prepare(tmp_path, TEXT[:100], batch=2, sequence_length=8)


def test_gpt_starts_anywhere_since_it_carries_no_state(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    overrides = {
        "task": {"data": str(file), "tokens": "chars"},
        "model": {"architecture": "gpt"},
        "train": {"batch": 3, "sequence_length": 5, "steps": 6000},
    }
    starts = LM.prepare(resolve(LM, "tiny", [overrides])).arrays["train.starts"]
    assert set(np.unique(starts)) == set(range(900 - 5))  # every window and its targets
    assert len(np.unique(np.diff(starts, axis=0))) > 100


def test_text_to_validate_on_can_be_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("abc" * 50)
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    task = {"data": str(file), "validation": str(tmp_path / "other.txt"), "tokens": "chars"}
    prepared = LM.prepare(resolve(LM, "tiny", [{"task": task}]))
    assert len(prepared.arrays["train"]) == 1000
    assert len(prepared.arrays["validation"]) == 150


def test_a_text_cannot_be_both_trained_and_validated_on(tmp_path: Path) -> None:
    for name in ("book.txt", "copy.txt"):
        (tmp_path / name).write_text("one two three four\n" * 90)
    data, copy = str(tmp_path / "book.txt"), str(tmp_path / "copy.txt")
    with pytest.raises(UserError, match=r"validation=.*copy\.txt is the text that is trained on$"):
        LM.prepare(resolve(LM, "tiny", [{"task": {"data": data, "validation": copy}}]))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("split", "test", "task.split is of a dataset, and '.*book.txt' has no splits"),
        ("column", "body", "task.column is of a table or a dataset, and '.*book.txt' is a text"),
    ],
)
def test_a_setting_of_tables_is_refused_for_a_text(
    tmp_path: Path, field: str, value: str, told: str
) -> None:
    (tmp_path / "book.txt").write_text("one two\n" * 90)
    task = {"data": str(tmp_path / "book.txt"), field: value}
    with pytest.raises(UserError, match=told):
        LM.prepare(resolve(LM, "tiny", [{"task": task}]))


def test_all_of_the_validation_text_can_be_judged(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT * 10)
    task = {"data": str(file), "tokens": "chars"}
    some = LM.prepare(resolve(LM, "tiny", [{"task": task}])).about
    whole = LM.prepare(resolve(LM, "tiny", [{"task": {**task, "judge": "all"}}])).about
    assert (some["validation_tokens"], some["validation_tokens_of"]) == (4 * 4 * 8, 1000)
    assert whole["validation_tokens"] == 4 * (249 // 8) * 8


def test_random_characters_cost_what_they_take_though_they_are_one_easy_token(
    tmp_path: Path,
) -> None:
    random = np.random.Generator(np.random.Philox(3))
    text = " ".join(map(chr, random.integers(0x4E00, 0x9FA5, 4000)))
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    task = {"data": str(tmp_path / "text.txt")}
    about = LM.prepare(resolve(LM, "tiny", [{"task": task}, {"model": {"vocab": 2}}])).about
    assert about["unknown_share"] == 1.0
    bits = bits_per_byte(0.0, about)  # a model that says <unk> each time is never wrong
    assert bits == pytest.approx(8.0)


def test_bits_per_byte_of_a_uniform_model_are_those_of_its_alphabet(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("".join(TEXT))
    for tokens, choices in (("chars", 26), ("bytes", 256)):
        task = {"data": str(tmp_path / "text.txt"), "tokens": tokens}
        about = LM.prepare(resolve(LM, "tiny", [{"task": task}])).about
        assert bits_per_byte(np.log(choices), about) == pytest.approx(np.log2(choices))


def test_rows_may_be_empty_or_long_and_end_their_lines_already(tmp_path: Path) -> None:
    """As those of WikiText in its Parquet files: a line each, its end included, and blank ones."""
    long = "word " * 250_000
    rows = ["", " = Title = \n", "", f"{long}\n", "last"]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"text": row}) for row in rows))
    text, _ = open_texts(str(tmp_path / "rows.jsonl"), None, "train", "text", BadRows())
    assert "".join(text.blocks()) == f"\n = Title = \n\n{long}\nlast\n"


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_table_s_column_is_a_text_and_its_markup_none(tmp_path: Path, ending: str) -> None:
    rows = [{"id": i, "body": f"line {i}"} for i in range(100)]
    lines = {"csv": "id,body\n" + "".join(f"{row['id']},{row['body']}\n" for row in rows)}
    lines["jsonl"] = "".join(json.dumps(row) + "\n" for row in rows)
    file = tmp_path / f"texts.{ending}"
    if ending == "parquet":
        pytest.importorskip("pyarrow")
        pd.DataFrame(rows).to_parquet(file)
    else:
        file.write_text(lines[ending])
    task = {"data": str(file), "column": "body", "tokens": "chars"}
    prepared = LM.prepare(resolve(LM, "tiny", [{"task": task}]))
    assert prepared.tokenizer is not None
    assert set(prepared.tokenizer.tokens) == {"<unk>", *"line 0123456789", "\n"}
    with pytest.raises(UserError, match=r"unknown column 'text' in .*: there is body, id"):
        LM.prepare(resolve(LM, "tiny", [{"task": {**task, "column": "text"}}]))
    plain = {"data": str(tmp_path / "x.txt"), "column": "body"}
    with pytest.raises(UserError, match=r"task\.column is of a table or a dataset"):
        LM.prepare(resolve(LM, "tiny", [{"task": plain}]))


def test_a_dataset_s_column_is_a_text(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "set").mkdir()
    rows = "".join(f"line {i}\n" for i in range(50))
    (tmp_path / "set" / "train.csv").write_text(f"text\n{rows}")
    (tmp_path / "set" / "test.csv").write_text(f"text\n{rows.replace('line', 'LINE')}")
    task = {"data": f"hf:{tmp_path / 'set'}", "validation": "test", "tokens": "chars"}
    prepared = LM.prepare(resolve(LM, "tiny", [{"task": task}]))
    assert len(prepared.arrays["train"]) == len(prepared.arrays["validation"]) == len(rows)


def test_generated_text_knows_its_floor_and_its_size() -> None:
    prepared = LM.prepare(resolve(LM, "tiny", []))
    assert prepared.floor is not None
    assert prepared.about["train_tokens"] == 1_000_000
    assert prepared.about["validation_tokens"] == 4 * 4 * 8


@pytest.mark.parametrize("architecture", ["elman", "lstm", "gru", "gpt"])
def test_an_architecture_is_named_with_its_dropout_and_tied_head(architecture: str) -> None:
    model = {"architecture": architecture, "dropout": 0.1, "tied": True}
    prepared = LM.prepare(resolve(LM, "tiny", [{"model": model}]))
    names = set(prepared.model.parameters())
    assert "head.kernel" not in names
    assert ("rnn.1.recurrent_bias" in names) == (architecture == "gru")
    assert ("block.1.attention.qkv.kernel" in names) == (architecture == "gpt")
    dropped = {name for name, _, _ in prepared.model.dropouts()}
    assert "embedding_dropout" in dropped
    assert ("block.1.feedforward" in dropped) == (architecture == "gpt")


@pytest.mark.parametrize("preset", LM.presets)
def test_every_preset_names_a_model_that_fits_together(preset: str) -> None:
    overrides = {"model": {"vocab": 50}, "train": {"steps": 2}}
    prepared = LM.prepare(resolve(LM, preset, [overrides]))
    assert prepared.floor is not None
    assert prepared.model.parameters()["embedding.table"].shape[0] == 50


def test_models_that_do_not_fit_together_are_bad_input() -> None:
    for model in ({"architecture": "gpt", "heads": 3}, {"tied": True, "hidden": 8}):
        with pytest.raises(UserError, match=r"^model: "):
            resolve(LM, "tiny", [{"model": model}])


def test_the_gpt_preset_is_the_public_recipe() -> None:
    settings = resolve(LM, "gpt", [])
    rates = settings.optimizer.learning_rates(0, 2000, 2000)
    assert max(rates) == rates[100] == 1e-3
    assert rates[-1] == pytest.approx(1e-4, rel=1e-3)
    assert settings.optimizer.clip_norm == 1.0
