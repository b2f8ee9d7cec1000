import json
import os
import subprocess
import sys

import pytest
import tokenizers

from compare.errors import UserError
from compare.text.tokens import (
    BEGIN,
    END,
    PAD,
    UNKNOWN,
    Tokenizer,
    Unit,
    train_tokenizer,
)

UNITS: list[Unit] = ["words", "spaces", "chars", "bytes", "bpe"]
SPECIALS = (PAD, UNKNOWN, BEGIN, END)
TEXT = 'Über  den "Wolken"\r\n\tmuß die 自由 wohl 🦜 grenzenlos sein.\n\n\x1c e\u0301\u00a0\n so'


def train(unit: Unit, *texts: str, vocab: int = 400) -> Tokenizer:
    return train_tokenizer(unit, texts, vocab, SPECIALS)


@pytest.mark.parametrize("unit", ["chars", "bytes", "bpe"])
def test_a_text_comes_back_as_it_was(unit: Unit) -> None:
    tokenizer = train(unit, TEXT)
    ids = tokenizer.encode(TEXT)
    assert ids.dtype == "int32"
    assert tokenizer.decode(ids) == TEXT
    assert tokenizer.decode(ids.tolist()) == TEXT
    assert len(tokenizer.encode("")) == 0


def test_words_come_back_with_single_spaces_and_their_line_ends() -> None:
    tokenizer = train("words", "To be,  or\n\nnot!\n")
    ids = tokenizer.encode("To be,  or\n\nnot!\n")
    words = [tokenizer.tokens[index] for index in ids]
    assert words == ["To", "be", ",", "or", "\n", "\n", "not", "!", "\n"]
    assert tokenizer.decode(ids) == "To be , or\n\nnot !\n"


@pytest.mark.parametrize("unit", UNITS)
def test_special_tokens_come_first_and_are_not_shown_except_the_unknown_one(unit: Unit) -> None:
    tokenizer = train(unit, "a b")
    assert tuple(tokenizer.tokens[:4]) == SPECIALS
    assert [tokenizer.id_of(token) for token in SPECIALS] == [0, 1, 2, 3]
    assert tokenizer.decode([2, *tokenizer.encode("a"), 3, 0]) == "a"
    assert tokenizer.decode([1]) == "<unk>"


@pytest.mark.parametrize("unit", UNITS)
def test_the_name_of_a_special_token_in_a_text_is_text(unit: Unit) -> None:
    text = "<pad> <bos><unk> <eos>x <pad>"
    tokenizer = train(unit, *[text] * 5)
    ids = tokenizer.encode(text)
    assert not set(ids.tolist()) & ({0, 2, 3} if unit == "spaces" else {0, 1, 2, 3})
    if unit not in ("words", "spaces"):
        assert tokenizer.decode(ids) == text
    restored = Tokenizer.from_json(tokenizer.to_json())
    assert restored.encode(text).tolist() == ids.tolist()


def test_tokens_fall_in_frequency_and_then_follow_the_alphabet() -> None:
    words = train_tokenizer("words", ["b b c a\n", "c d"], vocab=5)
    assert words.tokens == (UNKNOWN, "b", "c", "\n", "a")
    assert words.encode("c d a").tolist() == [2, 0, 4]
    assert words.decode(words.encode("c d a")) == "c <unk> a"
    chars = train_tokenizer("chars", ["cbbé", "aac"], vocab=4)
    assert chars.tokens == (UNKNOWN, "a", "b", "c")
    assert chars.encode("éa🦜").tolist() == [0, 1, 0]


def test_bytes_are_always_all_and_never_unknown() -> None:
    tokenizer = train_tokenizer("bytes", [], vocab=3, specials=())
    assert len(tokenizer) == 256
    assert tokenizer.tokens[10] == "<0x0A>"
    assert tokenizer.encode("é🦜").tolist() == list("é🦜".encode())
    assert tokenizer.decode([0xC3]) == "\ufffd"


def test_bpe_learns_what_is_frequent_and_keeps_to_its_vocabulary() -> None:
    tokenizer = train("bpe", "the cat and the dog and the bird " * 10, vocab=270)
    assert len(tokenizer) == 270
    assert len(tokenizer.encode(" the the")) == 2
    assert tokenizer.decode([tokenizer.id_of("Ã")]) == "\ufffd"


def test_bpe_ids_do_not_depend_on_where_a_text_was_cut_into_pieces() -> None:
    tokenizer = train("bpe", TEXT * 3)
    library = tokenizers.Tokenizer.from_str(tokenizer.to_json()["bpe"])
    assert tokenizer.encode(TEXT).tolist() == library.encode(TEXT).ids


def test_bpe_without_room_for_all_bytes_is_refused() -> None:
    with pytest.raises(UserError, match=r"^a vocabulary of 200 is too small.* take 260 or more$"):
        train("bpe", "text", vocab=200)


def test_words_need_the_unknown_token() -> None:
    with pytest.raises(ValueError, match="words needs <unk>"):
        train_tokenizer("words", ["a"], 10, specials=(PAD,))


@pytest.mark.parametrize("unit", UNITS)
def test_a_tokenizer_survives_json(unit: Unit) -> None:
    tokenizer = train(unit, TEXT)
    restored = Tokenizer.from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert (restored.unit, restored.tokens) == (unit, tokenizer.tokens)
    assert restored.to_json() == tokenizer.to_json()
    assert restored.encode(TEXT + "new").tolist() == tokenizer.encode(TEXT + "new").tolist()


@pytest.mark.parametrize("unit", ["words", "bpe"])
def test_training_gives_the_same_in_every_process(unit: Unit) -> None:
    text = " ".join(f"{n % 7}w{n * n % 23}" for n in range(3000))
    code = (
        "import json, sys; from compare.text.tokens import train_tokenizer as t;"
        f"print(json.dumps(t({unit!r}, [sys.argv[1]], 300).to_json()))"
    )
    seeds = [os.environ | {"PYTHONHASHSEED": seed} for seed in "12"]
    found = [subprocess.check_output([sys.executable, "-c", code, text], env=env) for env in seeds]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("कितना सकते हैं।", ["कितना", "सकते", "हैं", "।"]),
        ("re\u0301sume\u0301 x", ["re\u0301sume\u0301", "x"]),
        ("ที่นี่", ["ที่นี่"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),  # noqa: RUF001
        (
            "ok \U0001f468\u200d\U0001f469\u200d\U0001f467!",
            ["ok", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "!"],
        ),
        ("2 m² of H₂O", ["2", "m²", "of", "H₂O"]),
    ],
)
def test_words_are_not_cut_at_their_marks(text: str, words: list[str]) -> None:
    tokenizer = train("words", text)
    assert [tokenizer.tokens[index] for index in tokenizer.encode(text)] == words


def test_text_that_is_tokenised_already_keeps_its_tokens_and_its_unknown_ones() -> None:
    text = "no it was n't <unk> 's\n N years <unk>\n"
    tokenizer = train_tokenizer("spaces", [text], 100)
    assert len(tokenizer.encode(text)) == 11
    assert tokenizer.encode("<unk> never").tolist() == [0, 0]
    assert tokenizer.decode(tokenizer.encode(text)) == text.replace("\n N", "\nN")


@pytest.mark.parametrize("unit", UNITS)
def test_every_byte_of_a_text_belongs_to_a_token(unit: Unit) -> None:
    tokenizer = train(unit, "so grenzenlos", vocab=270)  # most is unknown
    sizes = tokenizer.sizes(TEXT.rstrip())
    assert sizes.sum() == len(TEXT.rstrip().encode())
    assert len(sizes) == len(tokenizer.encode(TEXT.rstrip()))
