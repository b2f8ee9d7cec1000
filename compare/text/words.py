"""Where words begin and end, in any script: marks and joiners stay with what they belong to."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal

import regex

Normalise = Literal["nfc", "none"]
"""How a text is written that Unicode can write in several ways: composed, or as it is."""

# Words, single signs (an emoji of several characters is one), line ends. To Unicode the separators
# \x1c-\x1f are no white space, to Python they are. ASCII has the same words without the price.
_ASCII = re.compile(r"\w+|[^\w\s]|\n")
_ANY = regex.compile(r"[\w\p{N}\p{M}\u200c\u200d]+|\n|(?![\s\x1c-\x1f])\X")
_ANY_SIZED = regex.compile(rf"(?:[^\S\n]|[\x1c-\x1f])*(?:{_ANY.pattern})")
_SPACED = re.compile(r"\S+|\n")
_SPACED_SIZED = re.compile(r"[^\S\n]*(?:\S+|\n)")
# BPE never merges from a visible character into white space, so a text may be cut there and each
# piece, most of them words, encoded once. To `tokenizers` \x1c-\x1f are visible. Runs without
# white space are cut as well, as time and memory would grow with the square of their length.
_PIECE = re.compile(r"\s*[\S\x1c-\x1f]{1,1000}|\s+")


def words_of(text: str) -> list[str]:
    """Words, single marks and line ends; other white space is left out."""
    found: list[str] = (_ASCII if text.isascii() else _ANY).findall(text)
    return found


def spaced_words_of(text: str) -> list[str]:
    """What stands between white space, and line ends: the tokens of a text that has been tokenised
    already."""
    return _SPACED.findall(text)


def sizes_of_words(text: str, spaced: bool = False) -> list[int]:
    """Bytes of UTF-8 of each word, with the white space before it."""
    pattern = _SPACED_SIZED if spaced else _ANY_SIZED
    return [len(piece.encode()) for piece in pattern.findall(text)]


def pieces_of(text: str) -> list[str]:
    """The text in pieces that BPE can learn and encode by themselves."""
    return _PIECE.findall(text)


def first_pieces(texts: Iterable[str], most: int) -> Iterator[str]:
    """The pieces of the first texts, of so many characters together."""
    for text in texts:
        yield from pieces_of(text[:most])
        most -= len(text)
        if most <= 0:
            return


def normalised(text: str, form: Normalise) -> str:
    """The text in Unicode's form C, in which an accent and its letter are one character wherever
    there is one, or as it is."""
    return text if form == "none" else unicodedata.normalize("NFC", text)


def is_mark(character: str) -> bool:
    """Whether it belongs to the character before it, or may be composed with it."""
    joins = character in "\u200c\u200d" or "\u1160" <= character <= "\u11ff"  # parts of Hangul
    return joins or unicodedata.category(character).startswith("M")
