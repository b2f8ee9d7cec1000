"""A text and its twin, as a language model finds them: the truth is the groups' shares."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from compare.tasks.data import reviews
from compare.tasks.review_text import open_reviews, twin_texts
from conftest import Compare, needs

from compare.errors import UserError
from compare.fairness.pairs import Pairs, likelihood_figures


def test_figures_are_signed_and_of_whole_pairs() -> None:
    shared = np.linspace(-40, -10, 60)  # texts differ much, and pairs hardly
    gap, likelier = likelihood_figures(shared + 0.5, shared)
    assert gap.value == pytest.approx(0.5)
    assert gap.low == pytest.approx(gap.high)  # planted: drawn apart it would be wide
    assert likelier.value == 1.0
    swapped, _ = likelihood_figures(shared, shared + 0.5)
    assert swapped.value == pytest.approx(-0.5)
    assert likelihood_figures(shared, shared)[1].value == 0.5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "does not exist"),
        (b"women,men\n" + b"a,b\n" * 5, "has 5 pairs .* 30 are needed"),
        (b"women,men\n" + b"a,b\n" * 40 + b"a,b,c\n", "line 42: a pair is two texts, not 3"),
        (b"women,men\na,\n", "line 2: a pair is two texts, not 1"),
        (b"", "is empty"),
        (b"women,men\n\xff,b\n", "line 2: not UTF-8"),
    ],
)
def test_what_is_no_file_of_pairs_is_told(tmp_path: Path, text: bytes | None, told: str) -> None:
    path = tmp_path / "pairs.csv"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(UserError, match=told):
        Pairs.read(path)


def test_pairs_are_read_as_other_tables_are(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    long = "word " * 40_000
    rows = [f"she {i};he {i}" for i in range(40)]
    path.write_text("\n".join(["women;men", f"{long};he", *rows]), encoding="utf-8-sig")
    found = Pairs.read(path)
    assert found.names == ("women", "men")
    assert found.first[0] == long
    assert found.second[-1] == "he 39"


def test_reviews_are_a_text_whose_twins_and_shares_are_known() -> None:
    train, held = open_reviews(0.85)
    lines = "".join(train.blocks()).splitlines()
    women = sum(reviews.about(line) == "women" for line in lines)
    twins = twin_texts(0.85)
    assert twins.log_ratio == math.log(women / (len(lines) - women)) == pytest.approx(1.7, abs=0.1)
    assert (twins.first, twins.second) == ("women", "men")
    seen = set(lines)
    for woman, man in twins.pairs:
        assert (reviews.about(woman), reviews.twin(woman)) == ("women", man)
        assert len(woman.split()) == len(man.split())
        assert not {woman, man} & seen
    of_held = set("".join(held.blocks()).splitlines())
    assert all({woman, man} & of_held for woman, man in twins.pairs)
    assert twin_texts(0.5).log_ratio == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--set", "task.share=0.7"], "share is of --data reviews"),
        (["--data", "reviews", "--set", "task.column=x"], "column is of data of your own"),
        (["--data", "reviews", "--set", "task.share=1"], "task.share"),
    ],
)
def test_what_is_not_of_reviews_is_told(compare: Compare, asked: list[str], told: str) -> None:
    finished = compare("--task", "lm", "--preset", "tiny", "--backend", "reference", *asked)
    assert (finished.returncode, finished.stderr.count("\n")) == (2, 1)
    assert told in finished.stderr


def test_a_folder_of_the_same_name_is_not_passed_over(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "reviews").mkdir()
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "reference", "--data", "reviews"
    )
    assert (finished.returncode, finished.stderr.count("\n")) == (2, 1)
    assert "write ./reviews for yours" in finished.stderr


@needs("torch")
@pytest.mark.slow
def test_a_model_of_a_skewed_corpus_finds_the_larger_group_likelier(
    compare: Compare, tmp_path: Path
) -> None:
    """The truth is 1.7. A training as short as this learns it in part, or has not yet learnt that
    "he" follows from a man's name and counts both words: then it is up to twice as much."""
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "torch", "--data", "reviews",
        "--set", "task.share=0.85",
        "--set", "model.architecture=gru", "--set", "model.hidden=32", "--set",
        "optimizer.learning_rate=0.01", "--set", "train.batch=20", "--set",
        "train.sequence_length=16", "--steps", "400", "--save-weights", "--quiet",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    (run,) = map(str, (tmp_path / "results").iterdir())
    (found,) = json.loads(compare("fair", run, "--json", "--quiet").stdout)
    truth = found["truth"]
    assert truth == twin_texts(0.85).log_ratio
    assert (found["first"], found["second"], found["unequal"]) == ("women", "men", 0)
    assert found["gap"]["low"] > 0.5
    assert found["gap"]["high"] < 2 * truth + 0.2
    assert found["likelier"]["value"] > 0.7
    assert f"A model that is right finds {truth:.3f}" in compare("fair", run, "--quiet").stdout

    twins = twin_texts(0.85)
    rows = ["women\tmen", *(f"{woman}\t{man}" for woman, man in twins.pairs)]
    (tmp_path / "twins.tsv").write_text("\n".join(rows) + "\n")
    (of_file,) = json.loads(compare("fair", run, "--pairs", "twins.tsv", "--json").stdout)
    assert of_file == {**found, "truth": None}
    refused = compare("fair", run, "--constraint", "equalized_odds")
    assert refused.returncode == 2
    assert "of a language model --pairs and --words tell" in refused.stderr


@pytest.mark.slow
def test_a_language_model_of_other_texts_has_no_pairs_of_its_own(
    compare: Compare, tmp_path: Path
) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "reference", "--steps", "5",
        "--save-weights", "--quiet",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    (run,) = map(str, (tmp_path / "results").iterdir())
    refused = compare("fair", run, "--quiet")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "without known groups: --pairs FILE has pairs of texts" in refused.stderr
