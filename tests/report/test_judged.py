"""What a reader is told of the data and of how it was judged."""

import re
from pathlib import Path

from conftest import Compare


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
    assert "neg: 270 and 30, pos: 270 and 30." in told
    assert "f1: mean of the classes (macro); --set task.positive=... judges one class." in told
    assert "Rows that cannot be used were left out: empty 2." in told
    assert re.search(r"[23]\d\.\d% of the validation tokens are <unk>.*larger model.vocab", told)


def test_bits_per_byte_stand_beside_the_perplexity(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("to be or not to be\n" * 200)
    played = compare(
        "--task", "lm", "--preset", "tiny", "--data", "text.txt", "--backend", "reference",
        "--steps", "3", "--set", "task.tokens=bytes", "--verbose",
    )  # fmt: skip
    found = re.search(r"Bits per byte of the original text: reference:numpy (\S+)\.", played.stdout)
    assert found
    assert 5 < float(found[1]) < 9  # of 256 next to equal ones
