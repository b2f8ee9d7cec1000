"""Text to ids and back: words, what stands between spaces, characters, bytes, or byte-level BPE.

    tokenizer = train_tokenizer("words", ["to be or not to be"], vocab=10_000)
    tokenizer.decode(tokenizer.encode("to be"))   # "to be"

Special tokens have the first ids. Nothing in a text becomes one, even if it is spelt the same,
but for `<unk>`, which words and characters have for what is not in their vocabulary.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from compare.errors import UserError
from compare.text.words import first_pieces, pieces_of, sizes_of_words, spaced_words_of, words_of

if TYPE_CHECKING:
    import tokenizers

Unit = Literal["words", "spaces", "chars", "bytes", "bpe"]
PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<bos>", "<eos>"
BPE_SAMPLE = 10_000_000  # characters that BPE learns its merges from: the first ones

_CODE_POINTS = 0x110000
_CACHED = 2_000_000  # characters of pieces whose ids are remembered, some 100 MB


class Tokenizer(ABC):
    """A vocabulary, and how text becomes its ids and back.

    `unit` names the kind, `tokens` is the vocabulary by id, which begins with `specials`.
    """

    unit: ClassVar[Unit]

    def __init__(self, tokens: Sequence[str], specials: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self.specials = tuple(specials)
        self._ids = {token: index for index, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        """Size of the vocabulary, special tokens included."""
        return len(self.tokens)

    def id_of(self, token: str) -> int:
        """The id of a token; raises KeyError for one that is not in the vocabulary."""
        return self._ids[token]

    @abstractmethod
    def encode(self, text: str) -> NDArray[np.int32]:
        """The ids of a text, flat; no special token but `<unk>` is among them."""

    @abstractmethod
    def sizes(self, text: str) -> NDArray[np.int64]:
        """Bytes of UTF-8 that each of the ids of `encode` stands for, the white space before it
        included where it is otherwise lost."""

    @abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, without special tokens but `<unk>`, which is shown as it is.

        Raises IndexError for an id beyond the vocabulary.
        """

    def to_json(self) -> dict[str, Any]:
        """Everything that `from_json` needs, as plain JSON values."""
        return {"unit": self.unit, "specials": list(self.specials), "tokens": list(self.tokens)}

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Tokenizer":
        """The tokenizer that `to_json` described; raises KeyError for anything else."""
        return _KINDS[value["unit"]]._restored(value)

    @classmethod
    def _restored(cls, value: dict[str, Any]) -> "Tokenizer":
        return cls(value["tokens"], value["specials"])

    @classmethod
    @abstractmethod
    def _trained(cls, texts: Iterable[str], vocab: int, specials: Sequence[str]) -> "Tokenizer": ...

    def _shown(self, ids: Iterable[int]) -> Iterator[str]:
        """The tokens of ids that `decode` shows."""
        hidden = set(self.specials) - {UNKNOWN}
        tokens = (self.tokens[index] for index in ids)
        return (token for token in tokens if token not in hidden)


def train_tokenizer(
    unit: Unit, texts: Iterable[str], vocab: int, specials: Sequence[str] = (UNKNOWN,)
) -> Tokenizer:
    """A tokenizer with the special tokens and what is most frequent in the texts.

    It has at most `vocab` tokens: `specials` in their order, then tokens by falling frequency,
    ties in alphabetical order (BPE: bytes, then merges in the order in which they were learnt,
    from the first `BPE_SAMPLE` characters). For bytes it is always all 256, whatever `vocab` is.

    Specials are to be written like `<this>`, which no unit takes for one token of a text; words
    and chars need `<unk>` among them, else ValueError. Raises UserError for BPE if `vocab` has
    no room for all bytes.
    """
    return _KINDS[unit]._trained(texts, vocab, specials)


class _Counted(Tokenizer):
    """A vocabulary of the most frequent tokens; all others are `<unk>`."""

    def __init__(self, tokens: Sequence[str], specials: Sequence[str]) -> None:
        if UNKNOWN not in specials:
            raise ValueError(f"a vocabulary of {self.unit} needs {UNKNOWN} among its specials")
        super().__init__(tokens, specials)
        self._unknown = self.id_of(UNKNOWN)
        hidden = set(specials) - {UNKNOWN}
        self._known = {token: i for token, i in self._ids.items() if token not in hidden}

    @classmethod
    def _trained(cls, texts: Iterable[str], vocab: int, specials: Sequence[str]) -> Tokenizer:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(cls._counts(text))
        for special in specials:  # only what is written between spaces can be spelt like one
            counts.pop(special, None)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = ranked[: max(0, vocab - len(specials))]
        return cls([*specials, *(token for token, _ in kept)], specials)

    @classmethod
    @abstractmethod
    def _counts(cls, text: str) -> Counter[str]: ...


class Words(_Counted):
    """Words, single punctuation marks and line ends; other white space is lost."""

    unit: ClassVar[Unit] = "words"
    _find = staticmethod(words_of)

    def encode(self, text: str) -> NDArray[np.int32]:
        words = self._find(text)
        return np.fromiter(map(self._known.get, words, repeat(self._unknown)), np.int32, len(words))

    def sizes(self, text: str) -> NDArray[np.int64]:
        return np.array(sizes_of_words(text, spaced=self.unit == "spaces"), np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """Tokens with a space between them, but none at line ends: not quite the text it was."""
        return re.sub(r" ?\n ?", "\n", " ".join(self._shown(ids)))

    @classmethod
    def _counts(cls, text: str) -> Counter[str]:
        return Counter(cls._find(text))


class Spaces(Words):
    """What stands between white space, and line ends: for text that is tokenised already. What is
    spelt `<unk>` in it is that token, as in corpora that are published with their vocabulary."""

    unit: ClassVar[Unit] = "spaces"
    _find = staticmethod(spaced_words_of)


class Chars(_Counted):
    """Single characters (code points); decoding is exact."""

    unit = "chars"

    def __init__(self, tokens: Sequence[str], specials: Sequence[str]) -> None:
        super().__init__(tokens, specials)
        self._table = np.full(_CODE_POINTS, self._unknown, np.int32)  # id by code point
        for index in range(len(specials), len(tokens)):
            self._table[ord(tokens[index])] = index

    def encode(self, text: str) -> NDArray[np.int32]:
        return self._table[_code_points(text)]

    def sizes(self, text: str) -> NDArray[np.int64]:
        return 1 + np.searchsorted([0x80, 0x800, 0x10000], _code_points(text), side="right")

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self._shown(ids))

    @classmethod
    def _counts(cls, text: str) -> Counter[str]:
        points, counts = np.unique(_code_points(text), return_counts=True)
        return Counter(dict(zip(map(chr, points.tolist()), counts.tolist(), strict=True)))


def _code_points(text: str) -> NDArray[np.uint32]:
    # A lone surrogate, which is no character, passes: it counts and is looked up like one.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


class Bytes(Tokenizer):
    """The bytes of UTF-8, all 256 of them: nothing is unknown, and decoding is exact."""

    unit = "bytes"

    def encode(self, text: str) -> NDArray[np.int32]:
        return np.frombuffer(text.encode(), np.uint8).astype(np.int32) + len(self.specials)

    def sizes(self, text: str) -> NDArray[np.int64]:
        return np.ones(len(text.encode()), np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; bytes that are not UTF-8 show as U+FFFD."""
        shown = self._shown(ids)
        parts = (token.encode() if token == UNKNOWN else _byte(token) for token in shown)
        return b"".join(parts).decode(errors="replace")

    @classmethod
    def _trained(cls, texts: Iterable[str], vocab: int, specials: Sequence[str]) -> Tokenizer:
        return cls([*specials, *(f"<0x{value:02X}>" for value in range(256))], specials)


def _byte(token: str) -> bytes:
    return bytes([int(token[3:5], 16)])  # <0x41>


class Bpe(Tokenizer):
    """Byte-level byte-pair encoding of the `tokenizers` library; decoding is exact."""

    unit = "bpe"

    def __init__(self, bpe: "tokenizers.Tokenizer", specials: Sequence[str]) -> None:
        ids = bpe.get_vocab()
        super().__init__(sorted(ids, key=ids.__getitem__), specials)
        bpe.encode_special_tokens = True  # "<pad>" in a text is five characters like any others
        self._bpe = bpe
        self._cache: dict[str, list[int]] = {}
        self._cached = 0  # characters

    def encode(self, text: str) -> NDArray[np.int32]:
        pieces = pieces_of(text)
        self._remember(set(pieces))
        ids = chain.from_iterable(map(self._cache.__getitem__, pieces))
        return np.fromiter(ids, np.int32)

    def sizes(self, text: str) -> NDArray[np.int64]:
        # In this vocabulary each byte is written as one character.
        return np.array([len(self.tokens[index]) for index in self.encode(text)], np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; bytes that are not UTF-8 show as U+FFFD."""
        assert self._bpe.decoder is not None
        return str(self._bpe.decoder.decode(list(self._shown(ids))))

    def to_json(self) -> dict[str, Any]:
        """Like any tokenizer's, with the library's own JSON, as text, in place of tokens."""
        return {"unit": self.unit, "specials": list(self.specials), "bpe": self._bpe.to_str()}

    @classmethod
    def _restored(cls, value: dict[str, Any]) -> Tokenizer:
        from tokenizers import Tokenizer as Library

        return cls(Library.from_str(value["bpe"]), value["specials"])

    @classmethod
    def _trained(cls, texts: Iterable[str], vocab: int, specials: Sequence[str]) -> Tokenizer:
        from tokenizers import Tokenizer as Library
        from tokenizers import decoders, models, pre_tokenizers, trainers

        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        least = len(alphabet) + len(specials)
        if vocab < least:
            raise UserError(
                f"a vocabulary of {vocab} is too small for bpe, which has {len(alphabet)} bytes "
                f"and {len(specials)} special tokens before any merge: take {least} or more"
            )
        bpe = Library(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab,
            special_tokens=list(specials),
            initial_alphabet=alphabet,
            show_progress=False,
        )
        bpe.train_from_iterator(first_pieces(texts, BPE_SAMPLE), trainer)
        return cls(bpe, specials)

    def _remember(self, pieces: set[str]) -> None:
        """Have the ids of these pieces, at least, in the cache."""
        new = list(pieces.difference(self._cache))
        if self._cached > _CACHED:
            self._cache, self._cached, new = {}, 0, list(pieces)
        encoded = self._bpe.encode_batch_fast(new, add_special_tokens=False)
        self._cache.update(zip(new, (each.ids for each in encoded), strict=True))
        self._cached += sum(map(len, new))


_KINDS: dict[str, type[Tokenizer]] = {
    kind.unit: kind for kind in (Words, Spaces, Chars, Bytes, Bpe)
}
