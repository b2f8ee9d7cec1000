"""Whom a language model speaks of when it goes on by itself, and what it says of them, against its
own corpus.

Representation and association as in HELM (Liang et al. 2022, section 4.7), but for the yardstick:
equal shares there, by which a model of a skewed corpus looks biased for being right.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.errors import UserError
from compare.records.values import Estimate, Record
from compare.sources.lines import place
from compare.sources.tables import DELIMITERS, Line, csv_rows
from compare.stats.resampling import RESAMPLES, percentiles
from compare.text.words import normalised, words_of

LEAST_TEXTS = 30
_SEED = 1
_PART = 200  # resamples at a time


class Words(NamedTuple):
    """Words of two groups of people, and of each kind that may be said of them, by their names;
    without capitals."""

    groups: tuple[str, str]
    kinds: tuple[str, ...]
    columns: tuple[frozenset[str], ...]  # of both groups, then of the kinds

    @classmethod
    def read(cls, path: Path) -> "Words":
        """The columns of a .csv or .tsv file, named by its first line: two groups, then the kinds;
        shorter ones end in empty fields. Raises UserError for anything else."""
        rows = csv_rows(path, DELIMITERS.get(path.suffix.lower(), ","))
        names = [name.strip() for name in rows[0][1]] if rows else []
        if len(names) < 2 or not all(names) or len({*names}) < len(names):
            raise UserError(f"'{path}' needs a first line that names two columns or more")
        for line, fields in rows:
            if len(fields) > len(names):
                where = f"{place(path, line)}: {len(fields)} words"
                raise UserError(f"{where}, and the first line names {len(names)} columns")
        columns = [_column(rows[1:], at, path, name) for at, name in enumerate(names)]
        for word in sorted(columns[0] & columns[1]):
            raise UserError(f"'{path}': '{word}' is of both groups, {names[0]} and {names[1]}")
        return cls((names[0], names[1]), tuple(names[2:]), tuple(columns))


def _column(rows: Sequence[Line], at: int, path: Path, name: str) -> frozenset[str]:
    found = set()
    for line, fields in rows:
        word = _plain(fields[at].strip()) if at < len(fields) else ""
        if word and len(words_of(word)) != 1:
            raise UserError(f"{place(path, line)}: '{word}' is no single word")
        found |= {word} - {""}
    if not found:
        raise UserError(f"'{path}' has no words of '{name}'")
    return frozenset(found)


def _plain(text: str) -> str:
    """However its letters are written."""
    return normalised(text, "nfc").casefold()


class Association(Record):
    """How many more words of a kind stand in texts of the first group alone than in those of the
    second alone, per 100 words: the model's, with an interval over texts, and its corpus's own."""

    kind: str
    gap: Estimate | None
    corpus_gap: float | None


class Continuations(Record):
    """What one backend's `texts` speak of: the share of the first group's words among those of
    both, None where there are none, with an interval over texts, and the corpus's own share."""

    backend: str
    mode: str
    first: str
    second: str
    texts: int
    of_groups: tuple[int, int]
    share: Estimate | None
    corpus_share: float | None
    associations: list[Association]


class Counts(NamedTuple):
    """How many words each text has, (texts,), and how many of each column, (texts, columns)."""

    words: NDArray[np.float64]
    columns: NDArray[np.float64]

    @classmethod
    def of(cls, texts: Sequence[str], words: Words) -> "Counts":
        found = [words_of(_plain(text)) for text in texts]
        counts = [[sum(w in column for w in text) for column in words.columns] for text in found]
        columns = np.array(counts, np.float64).reshape(len(texts), len(words.columns))
        return cls(np.array([len(text) for text in found], np.float64), columns)

    def alone(self) -> NDArray[np.bool_]:
        """Which texts have words of the first group alone, and of the second alone, (2, texts)."""
        first, second = (self.columns[:, group] > 0 for group in (0, 1))
        return np.stack([first & ~second, second & ~first])


_Figure = Callable[[NDArray[np.float64], Counts], NDArray[np.float64]]
"""A figure of texts that count so often, (resamples, texts) -> (resamples,)"""


def share_of(counts: Counts, corpus: Counts) -> tuple[Estimate | None, float | None]:
    """The first group's part of both groups' words, and the corpus's own. Intervals are of
    percentiles (Efron and Tibshirani 1993, chapter 13), a text drawn whole."""
    return _estimate(_share, counts), _value(_share, corpus)


def associations_of(counts: Counts, corpus: Counts, words: Words) -> list[Association]:
    """What is said of each group, by kind; no estimates where few texts speak of one alone."""
    enough = bool((counts.alone().sum(-1) >= LEAST_TEXTS).all())
    found = []
    for column, kind in enumerate(words.kinds, len(words.groups)):
        figure = partial(_gap, column=column)
        gap = _estimate(figure, counts) if enough else None
        found.append(Association(kind=kind, gap=gap, corpus_gap=_value(figure, corpus)))
    return found


def _value(figure: _Figure, counts: Counts) -> float | None:
    value = float(figure(np.ones((1, len(counts.words))), counts)[0])
    return value if np.isfinite(value) else None


def _estimate(figure: _Figure, counts: Counts) -> Estimate | None:
    value = _value(figure, counts)
    if value is None:
        return None
    spread = [figure(times, counts) for times in _drawn(len(counts.words))]
    return Estimate.of(percentiles(value, np.concatenate(spread)))


def _drawn(texts: int) -> Iterator[NDArray[np.float64]]:
    """How often each text is drawn, (some resamples, texts) at a time."""
    random = np.random.Generator(np.random.Philox(_SEED))
    for first in range(0, RESAMPLES, _PART):
        rows = min(_PART, RESAMPLES - first)
        yield random.multinomial(texts, np.full(texts, 1 / texts), rows).astype(np.float64)


def _share(times: NDArray[np.float64], counts: Counts) -> NDArray[np.float64]:
    both = times @ counts.columns[:, :2]  # (resamples, 2)
    with np.errstate(invalid="ignore"):
        share: NDArray[np.float64] = both[:, 0] / both.sum(-1)
    return share


def _gap(times: NDArray[np.float64], counts: Counts, column: int) -> NDArray[np.float64]:
    """Words of a kind per 100, in the first group's texts less in the second's."""
    with np.errstate(invalid="ignore"):
        first, second = (
            100 * (times[:, side] @ counts.columns[side, column])
            / (times[:, side] @ counts.words[side])
            for side in counts.alone()
        )  # fmt: skip
    gap: NDArray[np.float64] = first - second
    return gap
