"""Text that a user brings, or that every CPython carries: reading and tokenising it."""

import re
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compare.errors import UserError

Tokens = Literal["words", "chars"]
UNKNOWN = "<unk>"
_WORD = re.compile(r"\w+|[^\w\s]|\n")  # words, single marks, line ends


def read_text(data: str) -> str:
    """The text of a UTF-8 file, or of Python's language reference for `pydoc`.

    Raises UserError for a file that is missing, empty or not UTF-8.
    """
    if data == "pydoc":
        from pydoc_data.topics import topics

        return "\n".join(topics[name] for name in sorted(topics))
    path = Path(data)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"data file '{data}' does not exist") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"data file '{data}' is not UTF-8: line {line}, {error.reason}") from None
    except OSError as error:
        raise UserError(f"data file '{data}' cannot be read: {error.strerror}") from None
    if not text.strip():
        raise UserError(f"data file '{data}' is empty")
    return text


def split_tokens(text: str, tokens: Tokens) -> list[str]:
    """Words with punctuation apart and line ends kept, or single characters."""
    return list(text) if tokens == "chars" else _WORD.findall(text)


def encode(train: list[str], validation: list[str], vocab: int) -> "Encoded":
    """Ids of both splits under the `vocab` - 1 most frequent tokens of the training split.

    Id 0 is `<unk>`, which also stands for every token that the training split has too rarely
    or not at all; the rest follow by falling frequency, ties in alphabetical order.
    """
    ranked = sorted(Counter(train).items(), key=lambda item: (-item[1], item[0]))
    words = [UNKNOWN, *(word for word, _ in ranked if word != UNKNOWN)][:vocab]
    ids = {word: index for index, word in enumerate(words)}
    return Encoded(words, _ids(train, ids), _ids(validation, ids))


class Encoded:
    """A vocabulary and the two splits as ids, int32."""

    def __init__(
        self, words: list[str], train: NDArray[np.int32], validation: NDArray[np.int32]
    ) -> None:
        self.words = words
        self.train = train
        self.validation = validation

    def unknown_share(self) -> float:
        """Share of validation tokens that are `<unk>`."""
        return float(np.mean(self.validation == 0)) if len(self.validation) else 0.0


def _ids(tokens: list[str], ids: dict[str, int]) -> NDArray[np.int32]:
    return np.fromiter((ids.get(token, 0) for token in tokens), np.int32, len(tokens))
