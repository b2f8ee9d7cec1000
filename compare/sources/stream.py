"""A big plain text for language modelling, as two flat arrays of ids: training, validation.

text = tokenise_text("book.txt", "words", vocab=10_000)
text.train, text.validation, text.tokenizer
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.sources.source import BLOCK, BORDER_WINDOW, VALIDATION_SHARE, Source, open_source
from compare.text import cache
from compare.text.tokens import BPE_SAMPLE, UNKNOWN, Tokenizer, Unit, train_tokenizer
from compare.text.words import Normalise

VERSION = 2  # to be raised when the same text would get other ids

Ids = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, eq=False)
class TokenisedText:
    """Both splits as flat arrays of the smallest unsigned type that holds the vocabulary."""

    tokenizer: Tokenizer
    train: Ids
    validation: Ids
    sizes: Ids  # bytes of the text that each validation token stands for, see `Tokenizer.sizes`
    sha256: str  # of the text, and if validation came from another, of both: "...,..."

    def unknown_share(self) -> float:
        """Share of the validation tokens that are `<unk>`."""
        if UNKNOWN not in self.tokenizer.specials or not len(self.validation):
            return 0.0
        return float(np.mean(self.validation == self.tokenizer.id_of(UNKNOWN)))


def tokenise_text(
    data: str | Path | Source,
    unit: Unit,
    vocab: int,
    validation: str | Path | Source | None = None,
    normalise: Normalise = "none",
) -> TokenisedText:
    """Tokenise a file, the language reference (`pydoc`) or another source, or find it in the cache.

    The vocabulary is that of the training split; validation is a source of its own or else the
    last tenth (`Source.split`). There is `<unk>` but for bytes and bpe, which need none.
    Either split may come out too short to be of use.

    Raises UserError for a source that cannot be read or is empty, not UTF-8 or holds a NUL byte,
    and for a vocabulary too small for bpe.
    """
    sources = [
        each if isinstance(each, Source) else open_source(each)
        for each in (data, validation)
        if each is not None
    ]
    specials = () if unit in ("bytes", "bpe") else (UNKNOWN,)
    contents = [source.sha256() for source in sources]
    recipe = _recipe(contents, unit, vocab, specials) | {"normalise": normalise}
    key = cache.key_of(recipe)
    found = cache.load(key)
    if found is None:
        made = _tokenised(sources, unit, vocab, specials, normalise)
        cache.store(key, *made)
        found = cache.load(key) or made  # memory-mapped, which frees what was made
    tokenizer, arrays = found
    return TokenisedText(tokenizer, **arrays, sha256=",".join(contents))


def _recipe(
    contents: list[str], unit: Unit, vocab: int, specials: tuple[str, ...]
) -> dict[str, Any]:
    """Everything that the ids depend on."""
    return {
        "version": VERSION,
        "contents": contents,
        "unit": unit,
        "vocab": vocab,
        "specials": specials,
        "split": [VALIDATION_SHARE, BORDER_WINDOW],
        "block": BLOCK,
        # What is a word, and what is white space.
        "unicode": [unicodedata.unidata_version, version("regex")],
        "tokenizers": [version("tokenizers"), BPE_SAMPLE] if unit == "bpe" else None,
    }


def _tokenised(
    sources: list[Source], unit: Unit, vocab: int, specials: tuple[str, ...], normalise: Normalise
) -> tuple[Tokenizer, dict[str, Ids]]:
    for source in sources:
        source.check()  # first of all: a mistake in the last line is told at once
    texts = [source.normalised(normalise) for source in sources]
    train, validation = texts if len(texts) == 2 else texts[0].split()
    tokenizer = train_tokenizer(unit, train.blocks(), vocab, specials)
    sizes = [tokenizer.sizes(block) for block in validation.blocks()]
    longest = max((int(each.max(initial=0)) for each in sizes), default=0)
    return tokenizer, {
        "train": encode_blocks(tokenizer, train.blocks()),
        "validation": encode_blocks(tokenizer, validation.blocks()),
        "sizes": np.concatenate([np.zeros(0), *sizes]).astype(np.min_scalar_type(longest)),
    }


def encode_blocks(tokenizer: Tokenizer, blocks: Iterable[str]) -> Ids:
    """The ids of a text given in blocks, flat, of the smallest unsigned type that holds them."""
    kind = np.min_scalar_type(max(0, len(tokenizer) - 1))
    encoded = [tokenizer.encode(block).astype(kind) for block in blocks]
    return np.concatenate([np.zeros(0, kind), *encoded])
