"""What a reader is told of the data and of how it was judged."""

import csv
import re
from pathlib import Path

import pytest
from conftest import Compare


@pytest.mark.slow
def test_a_run_on_a_user_s_reviews_tells_what_was_judged_and_how(
    compare: Compare, tmp_path: Path
) -> None:
    for name, words in (("pos", "good fine great"), ("neg", "bad poor awful")):
        lines = [f"{word} film {i}" for i in range(100) for word in words.split()]
        (tmp_path / f"film.{name}").write_text("\n".join([*lines, ""]) + "\n")
    played = compare(
        "--task", "sentiment", "--preset", "tiny", "--data", "film", "--backend", "reference",
        "--steps", "3", "--set", "train.validation_batches=2", "--set", "model.vocab=12",
        "--set", "task.bad_rows=skip", "--verbose",
    )  # fmt: skip
    told = " ".join(played.stdout.split())
    assert played.returncode == 0, played.stderr
    assert "Judged on 16 of 60 validation examples; --set task.judge=all judges all" in told
    assert "540 examples to train on and 60 to validate on; task.tokens=words, a vocab" in told
    assert "neg: 270 and 30, pos: 270 and 30." in told
    assert "classes, to train and to validate on: neg: 270 and 30, pos" in played.stderr
    assert "They are named by film.neg, film.pos." in told
    assert "f1: mean of the classes (macro); --set task.positive=... judges one class." in told
    assert "Rows that cannot be used were left out: empty 2." in told
    assert re.search(r"[23]\d\.\d% of the validation tokens are <unk>.*larger model.vocab", told)


def test_bits_per_byte_stand_beside_the_perplexity(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("to be or not to be\n" * 200)
    played = compare(
        "--task", "lm", "--preset", "tiny", "--data", "text.txt", "--backend", "reference",
        "--steps", "3", "--set", "task.tokens=bytes", "--set", "task.judge=all", "--verbose",
        "--wide",
    )  # fmt: skip
    told = played.stdout
    titles, row = (next(line for line in told.splitlines() if word in line)
                   for word in ("perplexity", "reference:numpy"))  # fmt: skip
    assert re.search(r"perplexity\s+bits/byte", titles)
    (folder,) = (tmp_path / "results").iterdir()
    (figures,) = csv.DictReader((folder / "summary.csv").open())
    assert 5 < float(figures["bits_per_byte"]) < 9  # of 256 next to equal ones
    assert f"{float(figures['bits_per_byte']):.3f}" in row.split()
    assert "bits/byte: bits that the loss is per byte of the original text" in told
    assert f", bits per byte {float(figures['bits_per_byte']):.3f}." in told
    assert "3,439 tokens to train on and 361 to validate on; task.tokens=bytes, a vocab" in told
    assert "Text was composed on reading (Unicode's form C); --set task.normalise=none" in told
    # All that can be judged is: to ask for all of it once more would be no remedy.
    assert re.search(r"Judged on \d+ of 361 validation tokens: the rest fills no row of a", told)


@pytest.mark.slow
def test_a_text_that_was_tokenised_already_and_read_as_words_is_told(
    compare: Compare, tmp_path: Path
) -> None:
    """As Penn Treebank and WikiText are: no perplexity of such three words compares."""
    line = "no it was n't black <unk> N\n"
    (tmp_path / "ptb.txt").write_text(line * 300)
    tiny = (
        "--task", "lm", "--preset", "tiny", "--data", "ptb.txt", "--backend", "reference",
        "--steps", "3",
    )  # fmt: skip
    told = "The text has 29 times <unk> in it, and was read as words: three easy ones each."
    assert told in compare(*tiny).stdout
    as_published = compare(*tiny, "--set", "task.tokens=spaces").stdout
    assert "times <unk> in it" not in as_published
    assert "12.5% of the validation tokens are <unk>" in as_published
