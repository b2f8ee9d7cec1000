"""Translation, summarisation and sentiment: data, models, ceilings and scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SHARED_DATA

from compare.contracts import Prepared
from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.overrides import resolve

TASKS = {name: load_task(name) for name in ("translation", "summarization", "sentiment")}
PRESETS = [(name, preset) for name, task in TASKS.items() for preset in task.presets]
needs_data = pytest.mark.skipif(not SHARED_DATA.exists(), reason="no folder with real text")


def prepare(name: str, preset: str = "tiny", **sections: dict[str, Any]) -> Prepared:
    return TASKS[name].prepare(resolve(TASKS[name], preset, [sections]))


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_names_a_model_that_fits_together(name: str, preset: str) -> None:
    prepared = prepare(name, preset, train={"steps": 2})
    assert prepared.model.parameters()
    assert set(prepared.ceilings) == set(TASKS[name].metrics)
    assert prepared.floor is not None
    assert prepared.about["truncated_share"] == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["translation", "summarization"])
def test_nothing_scores_above_the_ceiling_and_a_slip_scores_below(name: str) -> None:
    task, prepared = TASKS[name], prepare(name)
    wanted = [example.wanted for example in prepared.examples]
    best = task.quality(wanted, wanted, resamples=20)
    for metric, score in best.items():
        assert score.value == pytest.approx(prepared.ceilings[metric])
        assert score.low is not None
    slip = [wanted[1], *wanted[1:]]
    worse = task.quality(wanted, slip, resamples=20)
    assert all(worse[m].value < best[m].value for m in best)
    assert all(s.low < s.value < s.high for s in worse.values())


def test_the_best_classifier_is_the_one_that_knows_the_odds() -> None:
    prepared = prepare("sentiment", train={"validation_batches": 100})
    assert 0.9 < prepared.ceilings["accuracy"] < 0.99
    assert prepared.floor is not None
    assert 0.1 < prepared.floor < 0.3
    labels = np.array([example.wanted for example in prepared.examples])
    assert 0.4 < labels.mean() < 0.6


def test_classifiers_are_judged_by_accuracy_f1_and_the_area_under_the_curve() -> None:
    odds = [(0.9, 0.1), (0.4, 0.6), (0.3, 0.7), (0.8, 0.2)]
    scores = TASKS["sentiment"].quality([0, 0, 1, 1], odds, resamples=200)
    # Right: the first and third. Of positives one of two is found, one of two calls is right.
    assert scores["accuracy"].value == 0.5
    assert scores["f1"].value == 0.5
    assert scores["auroc"].value == 0.75  # 3 of the 4 pairs stand in the right order
    assert scores["accuracy"].low < 0.5 < scores["accuracy"].high
    three = TASKS["sentiment"].quality([0, 1, 2], np.eye(3), resamples=0)
    assert [score.value for score in three.values()] == [1.0, 1.0, 1.0]
    assert three["f1"].low is None


def test_outputs_that_are_sometimes_all_wrong_have_intervals() -> None:
    """Resamples that score exactly 0 are numbers of another type in sacrebleu."""
    outputs = ["a b c d e"] + ["z"] * 9
    scores = TASKS["translation"].quality(["a b c d e"] * 10, outputs, resamples=100)
    for score in scores.values():
        assert score.low is not None
        assert score.low <= score.value <= score.high


def test_a_classifier_that_diverged_is_not_judged() -> None:
    found = TASKS["sentiment"].quality([0, 1], [(0.5, 0.5), (np.nan, np.nan)], resamples=9)
    assert set(found.values()) == {"it diverged: its probabilities are not finite"}


@pytest.mark.parametrize("architecture", ["elman", "lstm", "gru", "transformer"])
@pytest.mark.parametrize("name", TASKS)
def test_every_architecture_is_named_with_its_dropout(
    name: str, architecture: str, tmp_path: Path
) -> None:
    for ending in ("src", "tgt"):
        (tmp_path / f"few.{ending}").write_text("".join(f"{ending} {i}\n" for i in range(40)))
    model = {"architecture": architecture, "dropout": 0.1, "embedding": 8, "hidden": 8, "heads": 2}
    prepared = prepare(name, model=model, task={"data": str(tmp_path / "few")})
    kinds = {layer.kind for layer in (*prepared.model.encoder, *prepared.model.layers)}
    assert ("transformer_block" in kinds) == (architecture == "transformer")
    assert ("recurrent" in kinds) == (architecture != "transformer")
    assert any(True for _ in prepared.model.dropouts())


def test_parallel_files_are_translated_with_a_share_cut_off(tmp_path: Path) -> None:
    source = [f"wort{i} {'und ' * (i % 7)}ende" for i in range(200)]
    (tmp_path / "corpus.de").write_text("\n".join(source) + "\n")
    (tmp_path / "corpus.en").write_text("\n".join(f"word{i} end" for i in range(200)) + "\n")
    task = {"data": str(tmp_path / "corpus"), "source": "de", "target": "en", "source_length": 7}
    prepared = prepare("translation", task=task, train={"validation_batches": 50})
    assert prepared.about["train_examples"] == 180
    assert prepared.about["validation_examples"] == 20
    assert prepared.about["truncated_share"] == pytest.approx(1 / 7, abs=0.03)
    # Every number is a word of its own, so those that are held out are unknown: the ceiling.
    assert prepared.about["unknown_share"] > 0.3
    assert prepared.ceilings["bleu"] < 10
    for text, wanted, _ in prepared.examples:
        assert f"word{text.split()[0].removeprefix('wort')} end" == wanted


def test_a_table_is_summarised_by_its_columns(tmp_path: Path) -> None:
    rows = [{"text": f"long text {i}", "summary": f"text {i}", "id": i} for i in range(40)]
    file = tmp_path / "news.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    task = {"data": str(file), "source": "text", "target": "summary", "tokens": "bytes"}
    prepared = prepare("summarization", task=task)
    assert prepared.about["train_examples"] == 36
    with pytest.raises(UserError, match=r"unknown column 'sumary'.*did you mean summary"):
        prepare("summarization", task={**task, "target": "sumary"})


def test_classes_are_named_by_files_and_counted_in_order(tmp_path: Path) -> None:
    (tmp_path / "film.pos").write_text("".join(f"good film {i}\n" for i in range(50)))
    (tmp_path / "film.neg").write_text("".join(f"bad film {i}\n" for i in range(50)))
    prepared = prepare("sentiment", task={"data": str(tmp_path / "film")})
    assert prepared.about["classes"] == "neg, pos"
    assert {wanted for text, wanted, _ in prepared.examples if "good" in text} == {1}
    assert prepared.about["validation_examples"] == 10


def test_validation_data_that_is_sorted_by_class_is_judged_on_all_classes(tmp_path: Path) -> None:
    for name in ("film", "val"):
        for ending in ("pos", "neg"):
            lines = "".join(f"{name} {ending} {i}\n" for i in range(500))
            (tmp_path / f"{name}.{ending}").write_text(lines)
    task = {"data": str(tmp_path / "film"), "validation": str(tmp_path / "val")}
    prepared = prepare("sentiment", task=task)
    labels = [example.wanted for example in prepared.examples]
    assert sum(labels) == len(labels) / 2 == 32
    assert prepared.about["validation_examples_of"] == 1000
    prepared = prepare("sentiment", task={**task, "judge": "all"})
    assert len(prepared.examples) == prepared.about["validation_examples"] == 1000


def test_classes_are_counted_and_those_that_look_alike_are_named(tmp_path: Path) -> None:
    labels = ["pos", " pos", "neg", "1", "1.0", "Neg\u200b", "1234567", "1234568", "A", "A-", "nan"]
    rows = [{"text": f"film {i}", "label": labels[i % 11]} for i in range(220)]
    (tmp_path / "film.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = {"data": str(tmp_path / "film.jsonl"), "source": "text", "target": "label"}
    about = prepare("sentiment", task=task).about
    assert about["similar_classes"] == "' pos' and 'pos', '1' and '1.0', 'Neg\\u200b' and 'neg'"
    assert about["missing_classes"] == "'nan'"
    assert "neg: 18 and 2" in str(about["class_counts"])


def test_of_very_many_classes_the_first_are_counted(tmp_path: Path) -> None:
    rows = [{"text": f"film {i}", "label": f"number {i % 200}"} for i in range(600)]
    (tmp_path / "film.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = {"data": str(tmp_path / "film.jsonl"), "source": "text", "target": "label"}
    counts = str(prepare("sentiment", task=task).about["class_counts"])
    assert counts.startswith("number 0: ")
    assert counts.endswith(", and 180 more classes")


def test_the_positive_class_is_stated(tmp_path: Path) -> None:
    for name, count in (("fraud", 20), ("legit", 200)):
        (tmp_path / f"mail.{name}").write_text("".join(f"{name} {i}\n" for i in range(count)))
    task = {"data": str(tmp_path / "mail")}
    blind = {}
    for positive in (None, "fraud", "legit"):
        prepared = prepare("sentiment", task={**task, "positive": positive})
        assert prepared.quality is not None
        wanted = [example.wanted for example in prepared.examples]
        blind[positive] = prepared.quality(wanted, [(0.1, 0.9)] * len(wanted), 0)["f1"].value
    assert blind["fraud"] == 0
    assert blind["legit"] > 0.9
    assert blind[None] == blind["legit"] / 2
    with pytest.raises(UserError, match=r"unknown class 'frod' in task.positive: did you mean fr"):
        prepare("sentiment", task={**task, "positive": "frod"})


def test_no_validation_text_is_trained_on(tmp_path: Path) -> None:
    lines = [f"text {i % 60}" for i in range(100)]  # with duplicates
    (tmp_path / "film.pos").write_text("\n".join(lines))
    (tmp_path / "film.neg").write_text("\n".join(f"no {line}" for line in lines))
    prepared = prepare("sentiment", task={"data": str(tmp_path / "film")})
    held = {example.text for example in prepared.examples}
    left = 200 - sum(2 if int(text.split()[-1]) < 40 else 1 for text in held)
    assert prepared.about["train_examples"] == left
    assert prepared.about["doubles"] == 180 - left


def test_bpe_is_trained_on_the_training_split_alone(tmp_path: Path) -> None:
    (tmp_path / "a.src").write_text("".join(f"train {i}\n" for i in range(50)))
    (tmp_path / "a.tgt").write_text("".join(f"train {i}\n" for i in range(50)))
    (tmp_path / "b.src").write_text("validation\n" * 50)
    (tmp_path / "b.tgt").write_text("validation\n" * 50)
    task = {"data": str(tmp_path / "a"), "validation": str(tmp_path / "b"), "tokens": "bpe"}
    prepared = prepare("translation", task=task, model={"vocab": 400})
    assert prepared.tokenizer is not None
    assert any("train" in token for token in prepared.tokenizer.tokens)
    assert not any("valid" in token for token in prepared.tokenizer.tokens)


def test_too_few_examples_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.src").write_text("one\n")
    (tmp_path / "a.tgt").write_text("one\n")
    with pytest.raises(UserError, match="too few examples"):
        prepare("translation", task={"data": str(tmp_path / "a")})


@needs_data
def test_the_real_files_are_read() -> None:
    captions = str(SHARED_DATA / "captions")
    task = {
        "data": captions, "source": "de", "target": "en", "validation": f"{captions}.val",
        "tokens": "bpe", "source_length": 32, "buckets": 3,
    }  # fmt: skip
    prepared = prepare("translation", task=task, model={"vocab": 2000})
    assert prepared.about["train_examples"] == 12_000
    news = {"data": str(SHARED_DATA / "news.csv"), "source": "text", "target": "summary"}
    assert prepare("summarization", task=news).about["train_examples"] == 10
    reviews = {"data": str(SHARED_DATA / "reviews")}
    about = prepare("sentiment", task=reviews, train={"validation_batches": 1000}).about
    assert about["validation_examples"] == 1066
