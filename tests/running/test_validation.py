"""Outputs and their quality, the time to a target, and text from the weights that were kept."""

import csv
import json
import math
import sys
import unicodedata
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from conftest import ADAPTERS, Compare, cell, document, needs

from compare.findings.time_to_target import Target
from compare.stats.resampling import bootstrap

QUICK = ("--backend", "reference", "--json", "--set", "model.embedding=16")
FAST = ("--set", "optimizer.learning_rate=0.02", "--set", "train.validation_batches=3")


def test_a_translator_s_run_keeps_its_outputs_and_what_they_score(
    compare: Compare, tmp_path: Path
) -> None:
    lines = [f"{a} {b} {c} {d}" for a, b, c, d in product("abc", "def", "ghi", "jkl")]
    for ending in ("src", "tgt"):  # every word is its own translation
        (tmp_path / f"copy.{ending}").write_text("\n".join(lines) + "\n")
    finished = compare(
        "--task", "translation", "--preset", "tiny", "--data", "copy", *QUICK, *FAST,
        "--set", "task.source_length=4", "--set", "train.sequence_length=5",
        "--set", "task.beams=2", "--steps", "120", "--target", "chrf=30",
    )  # fmt: skip
    found = document(finished)
    row = cell(found, "reference")
    assert row["quality"]["chrf"]["low"] < row["quality"]["chrf"]["value"]
    assert row["seconds_to_target"] > 0
    assert found["ceilings"] == {}  # nobody knows it for a user's own text
    outputs = tmp_path / "results" / found["run_id"] / "outputs" / "reference-numpy.jsonl"
    texts = [json.loads(line) for line in outputs.open()]
    assert len(texts) == 8  # a tenth of 81
    for text in texts:
        assert text["input"] == text["wanted"]
        assert set(text["output"].split()) <= set("abcdefghijkl")
    assert any(text["output"] == text["wanted"] for text in texts)
    first = [{"text": text["input"], "wanted": text["wanted"]} for text in texts[:5]]
    assert found["examples"] == first
    assert row["samples"] == [text["output"] for text in texts[:5]]


@pytest.mark.slow
def test_a_classifier_s_run_has_its_quality_in_every_report(
    compare: Compare, tmp_path: Path
) -> None:
    for name, words in (("pos", "good fine great"), ("neg", "bad poor awful")):
        lines = [f"{word} film {i}" for i in range(40) for word in words.split()]
        (tmp_path / f"film.{name}").write_text("\n".join(lines) + "\n")
    finished = compare(
        "--task", "sentiment", *QUICK, *FAST, "--preset", "tiny", "--data", "film",
        "--steps", "60", "--target", "accuracy=0.9",
    )  # fmt: skip
    found = document(finished)
    row = cell(found, "reference")
    assert row["quality"]["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert row["quality"]["auroc"]["value"] == 1.0
    assert 0 < row["seconds_to_target"] < 60
    (folder,) = (tmp_path / "results").iterdir()
    report = (folder / "report.md").read_text()
    assert "| accuracy | f1 | auroc | to accuracy=0.9 |" in report
    assert "| 1.0000 (1.0000–1.0000) |" in report
    (line,) = csv.DictReader((folder / "summary.csv").open())
    assert float(line["f1"]) == float(line["f1_low"]) == 1.0
    outputs = [json.loads(line) for line in (folder / "outputs/reference-numpy.jsonl").open()]
    assert len(outputs) == 24  # a tenth of 240
    for output in outputs:
        assert math.isclose(sum(output["output"]), 1.0)
        assert output["wanted"] == int(output["input"].split()[0] in ("good", "fine", "great"))
    assert (found["examples"], row["samples"]) == ([], [])  # classes are no texts


@pytest.mark.slow
def test_a_target_is_reached_when_it_is_reached(compare: Compare) -> None:
    tiny = ("--task", "lm", "--preset", "tiny", *QUICK, "--set", "train.validation_batches=4")
    times = []
    for loss in ("5.2", "4.9", "1.0"):
        found = document(compare(*tiny, *FAST, "--target", f"loss={loss}", "--steps", "150"))
        times.append(cell(found, "reference")["seconds_to_target"])
    assert times[0] < times[1]
    assert times[2] is None  # no model can
    for target, message in (("bleu=3", "unknown metric 'bleu'"), ("loss", "METRIC=NUMBER")):
        finished = compare(*tiny, "--target", target)
        assert finished.returncode == 2
        assert message in finished.stderr


def test_targets_are_reached_from_their_own_side() -> None:
    assert Target.read("", ()) is None
    assert Target.read("loss=5.5", ()) == ("loss", 5.5)
    assert Target.read("bleu=20", ["bleu", "chrf"]) == ("bleu", 20.0)


def test_a_bootstrap_interval_covers_the_mean_and_narrows_with_the_sample() -> None:
    values = np.random.default_rng(0).normal(size=4000)
    for sample in (values[:40], values):
        found = bootstrap(np.mean, [sample], 1000)
        assert found.low is not None
        assert found.high is not None
        # The normal interval, which a percentile bootstrap of a mean comes near.
        assert found.high - found.low == pytest.approx(
            2 * 1.96 * sample.std() / len(sample) ** 0.5, rel=0.1
        )
    assert bootstrap(np.mean, [values[:1]], 1000).low is None


@pytest.mark.slow
@needs("torch", "jax")
def test_every_backend_writes_the_same_text(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(
        "It was the best of times, it was the worst of times.\n" * 99
    )
    made = compare(
        "--task", "lm", "--preset", "tiny", "--data", "book.txt", "--set", "task.tokens=chars",
        "--set", "train.dtype=fp64", "--set", "model.architecture=gpt",
        "--backend", "torch,jax,reference", "--save-weights", "--json", "--steps", "100",
        "--set", "optimizer.learning_rate=0.01",
    )  # fmt: skip
    run = f"results/{document(made)['run_id']}"
    prompt = ("--prompt", "It was the ", "--tokens", "40")
    greedy, drawn = set(), set()
    for backend in ("torch", "jax", "reference"):
        arguments = ("generate", run, "--backend", backend, *prompt)
        greedy.add(compare(*arguments).stdout)
        drawn.add(compare(*arguments, "--temperature", "3", "--top-k", "9").stdout)
    assert len(greedy) == len(drawn) == 1
    assert greedy != drawn
    assert greedy.pop().startswith("It was the ")


@pytest.mark.slow
def test_a_prompt_is_composed_as_the_text_was(compare: Compare, tmp_path: Path) -> None:
    """As macOS writes names and some keyboards letters: e and an accent, two characters."""
    (tmp_path / "book.txt").write_text("né à l'été, né à l'hôpital\n" * 99)
    made = compare(
        "--task", "lm", "--preset", "tiny", "--data", "book.txt", "--backend", "reference",
        "--set", "task.tokens=chars", "--save-weights", "--json", "--steps", "20",
    )  # fmt: skip
    run = f"results/{document(made)['run_id']}"
    composed, apart = (
        compare(
            "generate", run, "--tokens", "5", "--prompt", unicodedata.normalize(form, "né à l'")
        )
        for form in ("NFC", "NFD")
    )
    assert composed.stdout == apart.stdout
    assert "<unk>" not in apart.stdout


@pytest.mark.slow
def test_a_file_that_was_raced_generates_by_name_path_and_interpreter(
    compare: Compare, tmp_path: Path
) -> None:
    (tmp_path / "trouble.py").write_text((ADAPTERS / "trouble.py").read_text())
    made = compare(
        "--task", "lm", "--preset", "tiny", "--steps", "3", "--save-weights", "--json",
        "--backend", "trouble.py:slow,trouble.py:none",
    )  # fmt: skip
    run = f"results/{document(made)['run_id']}"
    arguments = ("generate", run, "--prompt", "w1", "--tokens", "4")
    python = ("--python", f"trouble={sys.executable}")
    texts = {
        compare(*arguments, *more).stdout
        for more in (
            (), ("--backend", "trouble"), ("--backend", "trouble:none"), python,
            ("--backend", "trouble.py"), ("--backend", "./trouble.py:slow", *python),
        )
    }  # fmt: skip
    assert len(texts) == 1
    assert texts != {""}
    other = compare(*arguments, "--backend", "trouble.py:nan")
    assert (other.returncode, other.stdout) == (2, "")
    assert "unknown backend 'trouble.py:nan'" in other.stderr


@pytest.mark.slow
def test_text_from_a_run_that_has_none_is_refused(compare: Compare, tmp_path: Path) -> None:
    tiny = ("--preset", "tiny", "--backend", "reference", "--steps", "3")
    assert compare("--task", "lm", *tiny, "--out", "plain").returncode == 0
    assert compare("--task", "lm", *tiny, "--save-weights", "--out", "kept").returncode == 0
    (plain,), (kept,) = ((tmp_path / out).iterdir() for out in ("plain", "kept"))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "records.jsonl").write_text('{"kind": "header", "schema_version": 1}\n')
    for arguments, message in (
        (["old", "--prompt", "x"], "'old' cannot be read"),
        (["nowhere", "--prompt", "x"], "'nowhere' is no folder"),
        ([str(plain), "--prompt", "x"], "has no weights: run with --save-weights"),
        ([str(kept), "--prompt", "x", "--backend", "torch"], "unknown backend 'torch'"),
        ([str(kept), "--prompt", ""], "--prompt is empty"),
        ([str(kept), "--prompt", "w1", "--temperature", "nan"], "--temperature"),
        ([str(kept), "--prompt", "w1", "--temperature", "inf"], "--temperature"),
        ([str(kept), "--prompt", "w1", "--top-k", "3"], "takes a --temperature above 0"),
    ):
        finished = compare("generate", *arguments)
        assert finished.returncode == 2
        assert message in finished.stderr
        assert finished.stderr.count("\n") == 1


FAILING = """
from dataclasses import replace

from compare.tasks.sentiment import Sentiment


class Failing(Sentiment):
    def prepare(self, settings):
        return replace(super().prepare(settings), quality=None)

    def quality(self, wanted, outputs, resamples):
        raise ZeroDivisionError("the judge stumbled")


task = Failing()
"""


def test_a_metric_that_fails_is_a_dash_with_its_reason_and_no_lost_run(
    compare: Compare, tmp_path: Path
) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    played = compare(
        "--task", "failing.py", "--preset", "tiny", "--steps", "3", "--backend", "reference",
        "--json",
    )  # fmt: skip
    assert played.returncode == 0, played.stderr
    found = document(played)
    (row,) = found["cells"]
    assert row["status"] == "ok"
    assert row["quality"] == {}
    (note,) = [note for note in found["notes"] if "auroc" in note["text"]]
    assert "no auroc of reference:numpy: ZeroDivisionError: the judge stumbled" in note["text"]
