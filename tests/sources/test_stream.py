import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from compare.errors import UserError
from compare.sources.source import open_source, text_source
from compare.sources.stream import TokenisedText, encode_blocks, tokenise_text
from compare.text.tokens import Unit, train_tokenizer

UNITS: list[Unit] = ["words", "spaces", "chars", "bytes", "bpe"]
LINES = "".join(f"Zeile {n}: né\t自由 🦜 wörter{n % 7},  und\u00a0mehr\r\n\n" for n in range(60))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPARE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def file(folder: Path, content: str | bytes, name: str = "book.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def same(one: TokenisedText, other: TokenisedText) -> bool:
    return (
        np.array_equal(one.train, other.train)
        and np.array_equal(one.validation, other.validation)
        and (one.train.dtype, one.sha256) == (other.train.dtype, other.sha256)
        and one.tokenizer.to_json() == other.tokenizer.to_json()
    )


@pytest.mark.parametrize("unit", UNITS)
def test_both_splits_together_are_the_text(tmp_path: Path, unit: Unit) -> None:
    text = tokenise_text(file(tmp_path, LINES), unit, 1000)
    decoded = text.tokenizer.decode(text.train), text.tokenizer.decode(text.validation)
    assert decoded[0].endswith("\n")
    assert decoded[1].lstrip().startswith("Zeile")
    assert 0.05 < len(text.validation) / len(text.train) < 0.12
    if unit not in ("words", "spaces"):
        assert "".join(decoded) == LINES


@pytest.mark.parametrize("unit", UNITS)
def test_blocks_give_the_same_ids_as_one_go(unit: Unit) -> None:
    source = text_source("lines", LINES)
    tokenizer = train_tokenizer(unit, [LINES], 300)
    whole = tokenizer.encode(LINES)
    for size in (100, 101, 1000):  # no word is longer
        blocks = list(source.blocks(size))
        assert len(blocks) > len(LINES) / size
        assert encode_blocks(tokenizer, blocks).tolist() == whole.tolist()


@pytest.mark.parametrize("size", [4, 5, 6, 7])
def test_a_block_without_white_space_is_cut_between_characters(size: int) -> None:
    text = "né自由🦜" * 5 + " \n " + "🦜" * 5
    blocks = list(text_source("text", text).blocks(size))
    assert "".join(blocks) == text
    assert max(len(block.encode()) for block in blocks) <= size


def test_arrays_have_the_smallest_type_that_holds_the_vocabulary(tmp_path: Path) -> None:
    path = file(tmp_path, " ".join(f"word{n}" for n in range(1000)))
    assert tokenise_text(path, "bytes", 9).train.dtype == np.uint8
    assert tokenise_text(path, "words", 256).train.dtype == np.uint8
    assert tokenise_text(path, "words", 257).train.dtype == np.uint16


def test_the_vocabulary_is_that_of_the_training_split(tmp_path: Path) -> None:
    text = tokenise_text(file(tmp_path, "a" * 900 + "z" * 100), "chars", 100)
    assert text.tokenizer.tokens == ("<unk>", "a")
    assert (len(text.train), len(text.validation)) == (900, 100)
    assert text.unknown_share() == 1.0


def test_a_border_without_a_line_end_is_between_characters() -> None:
    train, validation = text_source("text", "自" * 99 + "\n").split()
    assert len("".join(train.blocks())) == 90  # 268 bytes of 298 end within the 90th
    assert len("".join(validation.blocks())) == 10


def test_validation_may_be_a_file_of_its_own(tmp_path: Path) -> None:
    train, other = file(tmp_path, "a b c"), file(tmp_path, "c d", "other.txt")
    text = tokenise_text(train, "words", 9, validation=str(other))
    assert text.train.tolist() == [1, 2, 3]
    assert text.validation.tolist() == [3, 0]
    assert text.unknown_share() == 0.5


def test_a_byte_order_mark_is_left_out_and_line_ends_are_kept(tmp_path: Path) -> None:
    source = open_source(file(tmp_path, b"\xef\xbb\xbfa\r\nb"))
    assert list(source.blocks()) == ["a\r\nb"]


def test_accents_that_are_written_apart_are_the_same_words(tmp_path: Path) -> None:
    lines = "".join(f"né {n}\n" for n in range(100))
    apart = lines.replace("é", "e\u0301")
    composed = tokenise_text(text_source("a", lines), "words", 300, normalise="nfc")
    found = tokenise_text(text_source("b", apart), "words", 300, normalise="nfc")
    assert found.tokenizer.tokens == composed.tokenizer.tokens
    assert found.train.tolist() == composed.train.tolist()
    kept = tokenise_text(text_source("b", apart), "words", 300, normalise="none")
    assert "ne\u0301" in kept.tokenizer.tokens


def test_a_block_is_not_cut_before_a_mark() -> None:
    text = "e\u0301" * 40 + "ที่" * 20
    for size in range(20, 40):
        blocks = list(text_source("text", text).blocks(size))
        assert "".join(blocks) == text
        assert not any(block[0] in "\u0301\u0e35\u0e48" for block in blocks)


def test_the_language_reference_is_at_hand() -> None:
    text = tokenise_text("pydoc", "words", 1000)
    assert len(text.tokenizer) == 1000
    assert len(text.train) > 50_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "'book.txt' is empty"),
        (b" \n\t\n", "'book.txt' is empty"),
        (b"one\ntwo\nthr\xe9e\n", r"'book.txt', line 3: not UTF-8 .*iconv -f latin1"),
        (b"x" * 300_000 + b"\n\n\xff", r"'book.txt', line 3: not UTF-8"),
        (b"one\n" * 100_000 + b"t\0wo", r"'book.txt', line 100001: a NUL byte"),
    ],
)
@pytest.mark.parametrize("role", ["train", "validation"])
def test_what_is_not_text_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str, role: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file(tmp_path, content)
    file(tmp_path, "good", "good.txt")
    paths = ("book.txt", "good.txt") if role == "train" else ("good.txt", "book.txt")
    with pytest.raises(UserError, match=f"^data {message}[^\n]*$"):
        tokenise_text(paths[0], "words", 100, validation=paths[1])


def test_a_file_that_cannot_be_opened_is_told_with_what_comes_nearest(tmp_path: Path) -> None:
    file(tmp_path, "text")
    with pytest.raises(UserError, match=r"bok.txt' does not exist: did you mean book.txt\?$"):
        open_source(tmp_path / "bok.txt")
    with pytest.raises(UserError, match=r"does not exist: there is no folder .*nowhere$"):
        open_source(tmp_path / "nowhere" / "book.txt")
    with pytest.raises(UserError, match=r"is a folder: name a file, such as .*/book.txt$"):
        open_source(tmp_path)


def test_half_a_character_in_memory_is_refused() -> None:
    with pytest.raises(UserError, match=r"^data 'hub', line 2: half a character"):
        text_source("hub", "a\n\ud800")


@pytest.mark.parametrize("unit", UNITS)
def test_a_second_reading_comes_from_the_cache_and_is_the_same(
    tmp_path: Path, cache: Path, unit: Unit
) -> None:
    path = file(tmp_path, LINES)
    first = tokenise_text(path, unit, 300)
    (entry,) = cache.iterdir()
    made = [each.stat().st_mtime_ns for each in sorted(entry.iterdir())]
    second = tokenise_text(text_source("the same", LINES), unit, 300)
    assert [entry] == list(cache.iterdir())
    assert made == [each.stat().st_mtime_ns for each in sorted(entry.iterdir())]
    assert isinstance(second.train, np.memmap)
    assert same(first, second)


def test_another_content_or_vocabulary_is_another_entry(tmp_path: Path, cache: Path) -> None:
    path = file(tmp_path, "one two three four")
    first = tokenise_text(path, "words", 300)
    file(tmp_path, "one two three five")
    assert tokenise_text(path, "words", 300).tokenizer.tokens != first.tokenizer.tokens
    assert len(tokenise_text(path, "words", 3).tokenizer) == 3
    tokenise_text(path, "words", 3, validation=path)
    assert len(list(cache.iterdir())) == 4


@pytest.mark.parametrize("name", ["tokenizer.json", "train.npy", "sums.json"])
@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_a_damaged_entry_is_made_again(tmp_path: Path, cache: Path, name: str, harm: str) -> None:
    path = file(tmp_path, LINES)
    first = tokenise_text(path, "words", 300)
    (entry,) = cache.iterdir()
    victim = entry / name
    whole = victim.read_bytes()
    victim.unlink()  # what is mapped into memory stays as it was
    if harm == "cut":
        victim.write_bytes(whole[: len(whole) // 2])
    elif harm == "changed":
        victim.write_bytes(whole[:-3] + b"###")
    assert same(first, tokenise_text(path, "words", 300))
    assert victim.read_bytes() == whole
    assert [entry] == list(cache.iterdir())


def test_a_cache_that_cannot_be_written_to_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, LINES)
    kept = tokenise_text(path, "words", 300)
    monkeypatch.setenv("COMPARE_CACHE", str(path / "below a file"))
    assert same(kept, tokenise_text(path, "words", 300))


@pytest.mark.parametrize("home", ["", "/nonexistent", "/"])
def test_who_has_no_home_has_a_cache_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.delenv("COMPARE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    path = file(tmp_path, LINES)
    assert same(tokenise_text(path, "words", 300), tokenise_text(path, "words", 300))
    (made,) = (each for each in tmp_path.iterdir() if each != path)
    assert made.name.startswith("framework-compare-")
    assert len(list(made.iterdir())) == 1


def test_a_pipe_is_a_file_too(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"some text")
    os.close(writer)
    assert list(open_source(f"/dev/fd/{reader}").blocks()) == ["some text"]
    os.close(reader)
