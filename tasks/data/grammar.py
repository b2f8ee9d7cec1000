"""What the generated corpora share: word lists, reproducible draws, splits with no common text."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeVar

import numpy as np

Split = Literal["train", "validation"]
Item = TypeVar("Item")

_BLOCK = 4096  # raw draws at a time: one by one they would cost more than all the rest
_VALIDATION_ONE_IN = 4


def word_list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def vocabulary(phrases: Iterable[str]) -> tuple[str, ...]:
    """The distinct words of the phrases, sorted."""
    return tuple(sorted({word for phrase in phrases for word in phrase.split()}))


class Dice:
    """Integers from Philox's raw bits, which are the same with every version of NumPy.

    Each corpus has a stream of its own; `markov` has 0 and 1.
    """

    def __init__(self, version: int, stream: int) -> None:
        self._bits = np.random.Philox(key=version + (stream << 64))
        self._rolls: list[int] = []

    def below(self, bound: int) -> int:
        """One of 0, ..., bound - 1, alike likely (to within bound / 2^64)."""
        if not self._rolls:
            self._rolls = self._bits.random_raw(_BLOCK).tolist()
        return self._rolls.pop() % bound

    def pick(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def chance(self, wins: int, out_of: int) -> bool:
        return self.below(out_of) < wins

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in a random order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


def split_of(text: str) -> Split:
    """The split that a text belongs to wherever it is drawn: so no text is in both."""
    return "train" if zlib.crc32(text.encode()) % _VALIDATION_ONE_IN else "validation"


def texts_of(split: Split, draw: Callable[[], str]) -> Iterator[str]:
    """The texts that `draw` returns, without those of the other split; never ends."""
    while True:
        text = draw()
        if split_of(text) == split:
            yield text
