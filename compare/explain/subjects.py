"""What is explained of which text: the log-odds of one answer, and the ids that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compare.explain.variants import Side
from compare.spec.arrays import Array, Batch
from compare.worker.decoding import log_softmax

Reads = Literal["class", "next", "output"]
"""Of a classifier, of a language model at the end of a prompt, of an encoder-decoder's output"""


@dataclass(frozen=True)
class Subject:
    """One answer to one text: f = log p(token) - log p(instead), or log p(token) alone where
    `instead` is None. `tokens` are the ids' texts; `prefix` is what a decoder has written when it
    is asked for the next one, beginning with its mark of a beginning."""

    example: int
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    token: int
    instead: int | None
    asked: str
    prefix: tuple[int, ...] = ()


@dataclass(frozen=True)
class Asking:
    """How texts are made into batches of one width, and answers read from logits. `nothing` is the
    id that stands for an empty text, since no batch has a row without a token."""

    reads: Reads
    width: int
    nothing: int
    prefix_width: int = 1

    @property
    def side(self) -> Side:
        return "source" if self.reads == "output" else "inputs"

    def batch(self, subjects: Sequence[Subject], texts: Sequence[Sequence[int]]) -> Batch:
        """The batch (texts, width) of ids, with masks; text r is one of subject r."""
        ids, valid = self._padded([text or (self.nothing,) for text in texts], self.width)
        if self.reads == "output":
            prefixes, _ = self._padded([one.prefix for one in subjects], self.prefix_width)
            return {"source": ids, "source_mask": valid, "inputs": prefixes}
        return {"inputs": ids, "inputs_mask": valid} if self.reads == "class" else {"inputs": ids}

    def targets(
        self, subjects: Sequence[Subject], lengths: Sequence[int], tokens: Sequence[int]
    ) -> Batch:
        """Targets of which one counts in each row: the token there where the answer is read."""
        at = self.places(subjects, lengths)
        time = {"class": 1, "next": self.width, "output": self.prefix_width}[self.reads]
        targets = np.zeros((len(subjects), time), np.int32)
        mask = np.zeros(targets.shape, bool)
        targets[np.arange(len(subjects)), at] = tokens
        mask[np.arange(len(subjects)), at] = True
        return {"targets": targets, "targets_mask": mask}

    def places(self, subjects: Sequence[Subject], lengths: Sequence[int]) -> NDArray[np.intp]:
        """The time at which each answer is read."""
        if self.reads == "class":
            return np.zeros(len(subjects), np.intp)
        if self.reads == "next":
            return np.maximum(np.array(lengths, np.intp), 1) - 1
        return np.array([len(one.prefix) - 1 for one in subjects], np.intp)

    def answers(
        self, subjects: Sequence[Subject], lengths: Sequence[int], logits: Array
    ) -> NDArray[np.float64]:
        """f of each row of logits (texts, time, vocab), float64."""
        rows = np.arange(len(subjects))
        log_p = log_softmax(logits[rows, self.places(subjects, lengths)])  # (texts, vocab)
        found = log_p[rows, [one.token for one in subjects]]
        instead = [one.token if one.instead is None else one.instead for one in subjects]
        without = np.array([one.instead is None for one in subjects])
        difference: NDArray[np.float64] = found - np.where(without, 0.0, log_p[rows, instead])
        return difference

    @staticmethod
    def _padded(
        rows: Sequence[Sequence[int]], width: int
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        ids = np.zeros((len(rows), width), np.int32)
        valid = np.zeros((len(rows), width), bool)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
            valid[index, : len(row)] = True
        return ids, valid
