"""A trained model that can be asked: answers to texts, and gradients of answers, by a worker."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from compare.contracts.backend import Device
from compare.explain.subjects import Asking, Subject
from compare.explain.variants import Weights, by_position, cut_after, embedding_of, plain
from compare.planning.choice import Choice
from compare.planning.devices import choose_device
from compare.spec.arrays import Array, Batch
from compare.spec.experiment import Experiment
from compare.spec.inputs import read_arrays, write_arrays
from compare.spec.layers import AnyLayer
from compare.worker.process import WorkerProcess

Answer = Callable[[Experiment, Weights, Batch, str], Array]
"""What a model with these weights says of a batch: its logits, or where a parameter is named the
gradient of the batch's loss for it"""

_Row = TypeVar("_Row")
_Asked = tuple[tuple[int, ...], tuple[int, ...], int, int | None]
"""A text, and what a subject asks about it"""
_SIZES, _PATHS = (2048, 256, 32), 1024
"""Rows of a question, of texts and of paths: few numbers, since frameworks compile for a shape"""
_WIDTHS = 4
"""Widths of questions where texts are many, equal parts of the longest one's: most have words left
out, and a place that is padding costs as much as another"""


class Model:
    """One backend's model, with one set of weights."""

    def __init__(
        self, answer: Answer, experiment: Experiment, weights: Weights, asking: Asking
    ) -> None:
        self.answer, self.asking = answer, asking
        self.experiment = plain(experiment)
        self.weights = weights
        self.table_name = f"{embedding_of(self.experiment.model, asking.side).name}.table"
        self.table = weights[self.table_name]  # (vocab, dim)
        self._known: dict[_Asked, float] = {}

    @property
    def layers(self) -> Sequence[AnyLayer]:
        """The chain that reads the texts."""
        model = self.experiment.model
        return model.encoder if self.asking.side == "source" else model.layers

    def answers(
        self, subjects: Sequence[Subject], texts: Sequence[Sequence[int]]
    ) -> NDArray[np.float64]:
        """f of each text (texts,), of which text r is asked about as subject r is. Nothing is asked
        twice: methods leave out the same words, and what is left of two texts may be the same."""
        asked = [
            (tuple(text), one.prefix, one.token, one.instead)
            for one, text in zip(subjects, texts, strict=True)
        ]
        self._ask(
            {key: s for key, s in zip(asked, subjects, strict=True) if key not in self._known}
        )
        return np.array([self._known[key] for key in asked])

    def _ask(self, new: Mapping[_Asked, Subject]) -> None:
        """Get to know f of these texts, those of like length in one question."""
        keys, subjects = list(new), list(new.values())
        lengths = np.array([len(text) for text, *_ in keys], np.intp)
        widths = self._widths(lengths)
        for width in np.unique(widths).tolist():
            for piece in _pieces(np.flatnonzero(widths == width)):
                some, texts = [subjects[i] for i in piece], [keys[i][0] for i in piece]
                logits = self._logits(some, texts, width)
                values = self.asking.answers(some, lengths[piece].tolist(), logits)
                self._known.update(zip((keys[i] for i in piece), values.tolist(), strict=True))

    def choices(self, subjects: Sequence[Subject]) -> list[list[int]]:
        """The two likeliest answers to each subject's text, the likelier first."""
        found = []
        for piece in _pieces(np.arange(len(subjects))):
            some = [subjects[i] for i in piece]
            texts = [one.ids for one in some]
            logits = self._logits(some, texts, self.asking.width)
            last = logits[np.arange(len(some)), self.asking.places(some, _lengths(texts))]
            found += np.argsort(-last, axis=-1, kind="stable")[:, :2].tolist()
        return found

    def _logits(
        self, subjects: Sequence[Subject], texts: Sequence[Sequence[int]], width: int
    ) -> Array:
        size = next(size for size in reversed(_SIZES) if size >= len(texts))
        asking = replace(self.asking, width=width)
        batch = asking.batch(_filled(subjects, size), _filled(texts, size))
        return self.answer(self.experiment, self.weights, batch, "")[: len(texts)]

    def _widths(self, lengths: NDArray[np.intp]) -> NDArray[np.intp]:
        """Of each text how wide the question is that it is part of."""
        few = len(lengths) <= _SIZES[1]
        part = self.asking.width if few else -(-self.asking.width // _WIDTHS)
        parts = -(-np.maximum(lengths, 1) // part)
        widths: NDArray[np.intp] = np.minimum(parts * part, self.asking.width)
        return widths

    def gradients(
        self, subjects: Sequence[Subject], vectors: Sequence[NDArray[np.float64]]
    ) -> list[NDArray[np.float64]]:
        """Gradient of f for the vector of each token, (tokens, dim) of each subject, where its
        tokens have the `vectors` (tokens, dim)."""
        found: list[NDArray[np.float64]] = []
        for first in range(0, len(subjects), _PATHS):
            found += self._some(subjects[first : first + _PATHS], vectors[first : first + _PATHS])
        return found

    def answers_to(
        self, subjects: Sequence[Subject], vectors: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """f of each subject (subjects,), where its tokens have the `vectors` (tokens, dim)."""
        found = []
        for first in range(0, len(subjects), _PATHS):
            some = subjects[first : first + _PATHS]
            size = _size(len(some), _PATHS)
            question = self._by_position(some, vectors[first : first + _PATHS], size)
            logits = self.answer(*question, "")[: len(some)]
            found.append(self.asking.answers(some, [len(one.ids) for one in some], logits))
        return np.concatenate(found)

    def _by_position(
        self, subjects: Sequence[Subject], vectors: Sequence[NDArray[np.float64]], size: int
    ) -> tuple[Experiment, Weights, Batch]:
        """The variant whose every position has a row of its own, and the batch that asks for it:
        masks and the decoder's part are those of the texts."""
        rows, time = _filled(subjects, size), self.asking.width
        stacked = np.zeros((size, time, self.table.shape[1]), self.table.dtype)
        for row, given in zip(stacked, _filled(vectors, size), strict=True):
            row[: len(given)] = given
        side = self.asking.side
        variant, weights = by_position(self.experiment, self.weights, stacked, side)
        batch = dict(self.asking.batch(rows, [one.ids for one in rows]))
        batch[side] = np.arange(size * time, dtype=np.int32).reshape(size, time)
        return variant, weights, batch

    def _some(
        self, subjects: Sequence[Subject], vectors: Sequence[NDArray[np.float64]]
    ) -> list[NDArray[np.float64]]:
        size, time = _size(len(subjects), _PATHS), self.asking.width
        variant, weights, batch = self._by_position(subjects, vectors, size)
        rows = _filled(subjects, size)
        lengths = [len(one.ids) for one in rows]

        def of(tokens: list[int]) -> NDArray[np.float64]:
            targets = self.asking.targets(rows, lengths, tokens)
            mean = self.answer(variant, weights, {**batch, **targets}, self.table_name)
            # The loss is the mean of -log p over as many targets as there are rows.
            return -size * mean.astype(np.float64).reshape(size, time, -1)

        gradient = of([one.token for one in rows])
        if any(one.instead is not None for one in rows):
            other = of([one.token if one.instead is None else one.instead for one in rows])
            with_other = np.array([one.instead is not None for one in rows])
            gradient = gradient - np.where(with_other[:, None, None], other, 0.0)
        return [gradient[i, : len(one.ids)] for i, one in enumerate(subjects)]

    def decoded(self, subjects: Sequence[Subject], index: int) -> Array:
        """Output of one layer of an encoder-decoder's decoder (texts, decoder's time, width)."""
        spec, weights = cut_after(self.experiment, self.weights, "inputs", index)
        batch = self.asking.batch(subjects, [one.ids for one in subjects])
        return self.answer(spec, weights, batch, "")

    def activations(self, subjects: Sequence[Subject], index: int) -> tuple[Array, Array]:
        """Output of one layer of the chain that reads the texts (texts, time, width), and which of
        its places are not padding (texts, time)."""
        spec, weights = cut_after(self.experiment, self.weights, self.asking.side, index)
        texts = [one.ids for one in subjects]
        batch = dict(self.asking.batch(subjects, texts))
        side = self.asking.side
        ids = batch[side]
        valid = np.arange(ids.shape[1]) < np.array([len(text) for text in texts])[:, None]
        asked = {"inputs": ids} | ({"inputs_mask": valid} if self.asking.reads != "next" else {})
        output = self.answer(spec, weights, asked, "")
        return output, valid if output.shape[1] == ids.shape[1] else valid[:, :1]


def _lengths(texts: Sequence[Sequence[int]]) -> list[int]:
    return [len(text) for text in texts]


def _pieces(places: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """All of them, in pieces of `_SIZES`, the last one of no more."""
    while len(places):
        size = next((size for size in _SIZES if size <= len(places)), len(places))
        yield places[:size]
        places = places[size:]


def _size(rows: int, most: int) -> int:
    """A number of rows out of few, since frameworks compile anew for each."""
    size = 32
    while size < min(rows, most):
        size *= 4
    return min(size, most)


def _filled(rows: Sequence[_Row], size: int) -> list[_Row]:
    """As many rows as asked for: the first one again, and again."""
    return [*rows, *[rows[0]] * (size - len(rows))]


@contextmanager
def answering(
    choice: Choice, timeout: float, threads: int | None = None, pinned: bool = True
) -> Iterator[Answer]:
    """What asks a backend, in a process of its own; raises CellEnded where it cannot answer."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "question")
        folder.mkdir()
        worker = WorkerProcess(choice.adapter, choice.python, None, Path(scratch, "log"))
        try:
            worker.hello()
            how = {"mode": choice.cell.mode, "threads": threads, "pinned": pinned}
            opened = worker.ask("open", timeout, **how)
            devices = [Device(**device) for device in opened["devices"]]
            device = vars(choose_device("auto", devices, [devices]))

            def answer(
                experiment: Experiment, weights: Weights, batch: Batch, gradient: str
            ) -> Array:
                text = experiment.model_dump_json()
                (folder / "experiment.json").write_text(text, encoding="utf-8")
                write_arrays(folder / "weights.npz", weights)
                write_arrays(folder / "batch.npz", batch)
                worker.ask(
                    "question", timeout, folder=str(folder), device=device, gradient=gradient
                )
                found = read_arrays(folder / "answer.npz")["answer"]
                # bfloat16 and the like do not pass; what is asked computes in float32 at least.
                return found if found.dtype == np.float64 else found.astype(np.float32, copy=False)

            yield answer
        finally:
            worker.stop()
