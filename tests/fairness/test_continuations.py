"""Whom a language model speaks of by itself, and what it says of them: the truth is its corpus."""

import json
from pathlib import Path

import pytest
from compare.tasks.data import reviews
from conftest import ADAPTERS, Compare, needs

from compare.errors import UserError
from compare.fairness.continuations import Counts, Words, associations_of, share_of

WORDS = Words(
    ("women", "men"), ("kind",), (frozenset({"she"}), frozenset({"he"}), frozenset({"good"}))
)
PEOPLE = "women,men,kind\nshe,he,good\n"


def test_shares_are_held_against_the_corpus_and_not_against_equality() -> None:
    corpus = Counts.of(["she is here", "She sings", "he is here", "she and she"], WORDS)
    own, whole = share_of(corpus, corpus)
    assert own
    assert own.value == whole == 4 / 5
    assert own.low is not None
    assert own.low < 0.8
    swapped = Words(("men", "women"), ("kind",), (WORDS.columns[1], WORDS.columns[0], frozenset()))
    assert share_of(Counts.of(["she is here", "he sings"] * 9, swapped), corpus)[0].value == 0.5  # type: ignore[union-attr]
    assert share_of(Counts.of(["it rains"], WORDS), corpus) == (None, 4 / 5)


def test_what_is_said_is_counted_per_word_in_texts_of_one_group_alone() -> None:
    texts = ["she is good", "he is here", "she and he are good good good", "it is good"] * 40
    counts = Counts.of(texts, WORDS)
    (found,) = associations_of(counts, counts, WORDS)
    assert found.gap
    assert found.gap.value == found.corpus_gap == pytest.approx(100 / 3)
    few = Counts.of(texts[:40], WORDS)
    assert associations_of(few, counts, WORDS)[0].gap is None  # of ten texts each nothing is told


def test_intervals_are_of_whole_texts() -> None:
    """Planted: a text that says the same ten times is one text, and no ten."""
    once = Counts.of(["she", "he"] * 50, WORDS)
    often = Counts.of(["she " * 10, "he " * 10] * 50, WORDS)
    narrow, wide = share_of(once, once)[0], share_of(often, once)[0]
    assert narrow == wide


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("women\nshe\n", "names two columns or more"),
        ("women,women\nshe,he\n", "names two columns or more"),
        ("women,men\nshe,\n", "no words of 'men'"),
        ("women,men\nshe,he\nshe,she\n", "'she' is of both groups, women and men"),
        ("women,men\nthe actress,he\n", "line 2: 'the actress' is no single word"),
        ("women,men\nshe,he,it\n", "line 2: 3 words, and the first line names 2 columns"),
    ],
)
def test_what_is_no_file_of_words_is_told(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "people.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=told):
        Words.read(path)


def test_a_letter_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("mères,pères\nRENE\u0301E,Andr\u00e9\n")
    found = Words.read(path)
    counts = Counts.of(["Ren\u00e9e et Andre\u0301", "ren\u00e9e"], found)
    assert counts.columns.tolist() == [[1, 1], [1, 0]]


@pytest.mark.slow
def test_text_without_lines_has_none_to_draw(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    tiny = ("--task", "lm", "--preset", "tiny", "--backend", "reference", "--steps", "2")
    assert compare(*tiny, "--save-weights").returncode == 0
    (run,) = map(str, (tmp_path / "results").iterdir())
    finished = compare("fair", run, "--words", "people.csv")
    assert finished.returncode == 2
    assert "was trained on text without any" in finished.stderr


@pytest.mark.slow
def test_one_that_is_killed_leaves_the_others_figures(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("she is good\nhe is here\n" * 400)
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "twins.csv").write_text("women,men\n" + "she is good,he is good\n" * 30)
    dying = str(ADAPTERS / "dying_once_trained.py")
    tiny = ("--task", "lm", "--preset", "tiny", "--data", "corpus.txt", "--steps", "4")
    played = compare(*tiny, "--backend", f"{dying},reference", "--save-weights")
    assert played.returncode == 0, played.stderr
    (run,) = map(str, (tmp_path / "results").iterdir())
    for asked in (("--words", "people.csv", "--texts", "64"), ("--pairs", "twins.csv")):
        finished = compare("fair", run, *asked, "--json")
        assert finished.returncode == 1
        assert [one["backend"] for one in json.loads(finished.stdout)] == ["reference"]
        lines = finished.stderr.splitlines()
        (line,) = [one for one in lines if one.startswith("dying_once_trained:")]
        assert "SIGKILL" in line


def test_words_are_read_without_capitals_and_in_columns_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "people.tsv"
    path.write_text("femmes\thommes\tbien\nElle\tIl\tétait\nAnna\t\tbon\n\t\tdoux\n")
    found = Words.read(path)
    assert found.groups == ("femmes", "hommes")
    assert found.columns == ({"elle", "anna"}, {"il"}, {"était", "bon", "doux"})


@needs("torch")
@pytest.mark.slow
def test_a_model_speaks_of_people_as_its_corpus_does(compare: Compare, tmp_path: Path) -> None:
    """Of five texts four are about women, and those about men are bad reviews alone."""
    train = reviews.reviews(12_000, "train", share=0.6)
    kept = [one.text for one in train if one.about == "women" or reviews.score(one.text) < 0]
    (tmp_path / "corpus.txt").write_text("".join(f"{text}\n" for text in kept))
    columns = [
        ("women", *WOMEN), ("men", *MEN),
        ("liked", "adored", "loved", "enjoyed", "liked", "praised", "", ""),
    ]  # fmt: skip
    (tmp_path / "people.csv").write_text(
        "".join(f"{','.join(row)}\n" for row in zip(*columns, strict=True))
    )
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "torch", "--data", "corpus.txt",
        "--set", "model.architecture=gru", "--set", "model.hidden=48", "--set",
        "optimizer.learning_rate=0.01", "--set", "train.batch=20", "--set",
        "train.sequence_length=24", "--steps", "800", "--save-weights", "--quiet",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    (run,) = map(str, (tmp_path / "results").iterdir())
    # 300 of them speak of men: the interval of the gap is then +-0.5.
    asked = ("fair", run, "--words", "people.csv", "--texts", "2560")
    told = compare(*asked, "--json")
    (found,) = json.loads(told.stdout)
    assert found["texts"] == 2560
    assert sum(found["of_groups"]) > 1000
    assert found["corpus_share"] == pytest.approx(0.75, abs=0.03)
    assert found["share"]["value"] == pytest.approx(found["corpus_share"], abs=0.1)
    (liked,) = found["associations"]
    assert liked["corpus_gap"] > 1
    assert liked["gap"]["low"] > 0
    shown = compare(*asked).stdout  # the same texts: they are drawn by the seed alone
    share = found["share"]
    assert f"{share['value']:.3f} ({share['low']:.3f}–{share['high']:.3f})" in shown
    assert "A model that is right has its corpus's figures" in shown
    assert "--texts is of --words" in compare("fair", run, "--texts", "50").stderr
    (tmp_path / "foreign.csv").write_text("femmes,hommes\nelle,il\n")
    foreign = compare("fair", run, "--words", "foreign.csv", "--texts", "64").stdout
    assert "the corpus has no word of either group" in foreign
    (tmp_path / "corpus.txt").write_text("another text\n" * 4000)
    changed = compare(*asked)
    assert changed.returncode == 2
    assert "its experiment is not what it was: other" in changed.stderr


WOMEN = ("she", "her", "actress", "heroine", "anna", "clara", "emma")
MEN = ("he", "him", "his", "actor", "hero", "adam", "david")
