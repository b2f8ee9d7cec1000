"""A generated language whose entropy rate is known in closed form.

A Markov chain walks over word classes; each class emits its own words by Zipf's law; every
word belongs to one class. The last word therefore tells the class, so the best prediction of
the next word is known exactly, and so is its loss:

    entropy rate = sum_c pi_c H(P_c) + sum_c pi_c H(q_c)

with pi the stationary distribution of the class transitions P and q_c the words of class c
(Cover and Thomas, Elements of Information Theory, theorem 4.2.4).

Probabilities come from integers by division and running sums alone, which IEEE arithmetic
fixes to the last bit: a version of the corpus has the same bytes on every machine.
"""

from bisect import bisect_right
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

VERSION = 1
_MOST_CLASSES = 50
_LEAST_WORDS_PER_CLASS = 4


@dataclass(frozen=True)
class Language:
    """The generator: class transitions (classes, classes), words of each class, their odds."""

    transitions: NDArray[np.float64]
    class_of: NDArray[np.int64]  # (vocab,)
    words: list[NDArray[np.int64]]  # words of each class, the most frequent first

    @classmethod
    def of(cls, vocab: int) -> "Language":
        """The language of this version with `vocab` words."""
        random = np.random.Generator(np.random.Philox(key=VERSION))
        classes = max(2, min(_MOST_CLASSES, vocab // _LEAST_WORDS_PER_CLASS))
        # Each class prefers its successors in an order of its own, with odds 1/rank^2.
        rows = [_zipf(classes, exponent=2)[random.permutation(classes)] for _ in range(classes)]
        shuffled = random.permutation(vocab)
        words = [shuffled[index::classes] for index in range(classes)]
        class_of = np.empty(vocab, np.int64)
        for index, members in enumerate(words):
            class_of[members] = index
        return cls(np.stack(rows), class_of, words)

    def sample(self, tokens: int) -> NDArray[np.int32]:
        """The first `tokens` words of the version's text, (tokens,)."""
        random = np.random.Generator(np.random.Philox(key=VERSION + (1 << 64)))
        classes = self._walk(random.random(tokens))
        draws = random.random(tokens)
        text = np.empty(tokens, np.int32)
        for index, members in enumerate(self.words):
            here = classes == index
            odds = np.cumsum(_zipf(len(members)))
            picked = np.searchsorted(odds, draws[here] * odds[-1], side="right")
            text[here] = members[np.minimum(picked, len(members) - 1)]
        return text

    def _walk(self, draws: NDArray[np.float64]) -> NDArray[np.int64]:
        sums = [np.cumsum(row).tolist() for row in self.transitions]
        totals = [row[-1] for row in sums]
        for row in sums:
            row[-1] = inf  # a draw that rounds up to the total is of the last class too
        state, visited = 0, []
        for draw in draws.tolist():
            state = bisect_right(sums[state], draw * totals[state])
            visited.append(state)
        return np.array(visited, np.int64)

    def entropy_rate(self) -> float:
        """Nats per word that no model can beat in expectation."""
        stationary = self.stationary()
        moving = [_entropy(row) for row in self.transitions]
        emitting = [_entropy(_zipf(len(members))) for members in self.words]
        return float(stationary @ (np.array(moving) + np.array(emitting)))

    def stationary(self) -> NDArray[np.float64]:
        """Long-run share of each class: the pi with pi P = pi and sum 1."""
        size = len(self.transitions)
        balance = np.vstack([self.transitions.T - np.eye(size), np.ones(size)])
        target = np.append(np.zeros(size), 1.0)
        solution: NDArray[np.float64] = np.linalg.lstsq(balance, target, rcond=None)[0]
        return solution

    def loss(self, before: NDArray[np.integer], after: NDArray[np.integer]) -> float:
        """Mean of -log p(after | before) under the true language: a sample's own floor."""
        log_word = np.empty(len(self.class_of))
        for members in self.words:
            log_word[members] = np.log(_zipf(len(members)))
        source, target = self.class_of[before], self.class_of[after]
        return float(-np.mean(np.log(self.transitions[source, target]) + log_word[after]))


def _zipf(size: int, exponent: int = 1) -> NDArray[np.float64]:
    weights = 1.0 / np.arange(1, size + 1) ** exponent
    odds: NDArray[np.float64] = weights / np.cumsum(weights)[-1]  # np.sum's order may change
    return odds


def _entropy(odds: NDArray[np.float64]) -> float:
    return float(-np.sum(odds * np.log(odds)))
