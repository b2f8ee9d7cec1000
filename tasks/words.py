"""What counts as a word where texts are compared word by word, in any script."""

from collections.abc import Iterable
from typing import Protocol

import regex
from rouge_score import tokenize

ROUGE_SCORE = "words of a-z and 0-9, as rouge-score's"
UNICODE = "words by Unicode (UAX 29), characters in scripts without spaces"

_FOREIGN = 0.005  # of the letters: more than borrowed words and names bring into English
_LETTER = regex.compile(r"\p{L}")
_LATIN = regex.compile(r"[A-Za-z]")
_SPACELESS = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
)
_WRITTEN_TOGETHER = regex.compile(_SPACELESS)
_CHARACTER = regex.compile(r"[\p{L}\p{N}]\p{M}*")
_WORD_CHARACTER = regex.compile(r"[\p{L}\p{N}]")
_BOUNDARY = regex.compile(r"\b", regex.WORD | regex.V1)  # WORD: the default boundaries of UAX 29


def word_rule(texts: Iterable[str]) -> str:
    """Whether texts are cut as published scores are, or by Unicode: `ROUGE_SCORE` where next to
    all letters are a to z, for of all others rouge-score sees none."""
    letters = latin = 0
    for text in texts:
        letters += len(_LETTER.findall(text))
        latin += len(_LATIN.findall(text))
    return ROUGE_SCORE if letters - latin <= _FOREIGN * letters else UNICODE


class Tokenizer(Protocol):
    """What a `RougeScorer` asks for words."""

    def tokenize(self, text: str) -> list[str]: ...


def tokenizer_of(rule: str) -> Tokenizer:
    return PublishedWords() if rule == ROUGE_SCORE else UnicodeWords()


class PublishedWords:
    """rouge-score's own words, unstemmed. Its class for them takes nltk, which is slow to import,
    for a stemmer."""

    def tokenize(self, text: str) -> list[str]:
        return list(tokenize.tokenize(text, None))


class UnicodeWords:
    """Lower-case words by Unicode's rules, marks with their letters, punctuation left out."""

    def tokenize(self, text: str) -> list[str]:
        found: list[str] = []
        for piece in _BOUNDARY.split(text.lower()):
            if _WRITTEN_TOGETHER.search(piece):
                found += _CHARACTER.findall(piece)
            elif _WORD_CHARACTER.search(piece):
                found.append(piece)
        return found
