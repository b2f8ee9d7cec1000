"""Explanations against a known answer: where the data's rule is known, so is what each word did."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.contracts.task import Prepared
from compare.explain.agreement import Scores, mean, spearman
from compare.explain.methods import Attribution
from compare.explain.subjects import Subject
from compare.explain.texts import Texts, words_of
from compare.stats.intervals import Interval

Whence = Literal["rule", "alignment", "marked", ""]
"""The rule that labels were drawn by, the grammar of a translation, or the marks of people"""


class Known(NamedTuple):
    """Of one text, by token: its exact Shapley value under the data's own rule, and whether it is
    of those whom the text speaks of, which have no part in a rule without a bias."""

    shares: NDArray[np.float64]
    people: NDArray[np.bool_]

    @property
    def players(self) -> NDArray[np.bool_]:
        """Which tokens have a say in the answer."""
        found: NDArray[np.bool_] = self.shares != 0
        return found


class Rightness(NamedTuple):
    """Means over texts with bootstrap intervals, None where no text has one.

    `precision` is the share of the k largest scores that belong to players, k their number (and so
    the F1 of those k tokens), of which `chance` is what a draw would come to; `average_precision`
    the same over every k at which a player comes in; `auroc` how well sizes tell players from
    others; `mass` the players' share of all size, `people` that of words of people, which by
    the rule is `people_true`; `rank` Spearman's with the true values, signs included.
    """

    precision: Interval | None
    chance: float
    average_precision: Interval | None
    auroc: Interval | None
    mass: Interval | None
    people: Interval | None
    people_true: Interval | None
    rank: Interval | None


def rightness(scores: Sequence[Scores], known: Sequence[Known]) -> Rightness | None:
    """Texts without a player, or of nothing else, have nothing to be found, and are left out; None
    where there are no others."""
    kept = [
        (given, truth)
        for given, truth in zip(scores, known, strict=True)
        if 0 < truth.players.sum() < len(given)
    ]
    if not kept:
        return None
    sizes = [(np.abs(given), truth) for given, truth in kept]
    return Rightness(
        mean([precision(size, truth.players) for size, truth in sizes]),
        float(np.mean([truth.players.mean() for _, truth in kept])),
        mean([average_precision(size, truth.players) for size, truth in sizes]),
        mean([auroc(size, truth.players) for size, truth in sizes]),
        mean([_share(size, truth.players) for size, truth in sizes]),
        mean([_share(size, truth.people) for size, truth in sizes]),
        mean([_share(np.abs(truth.shares), truth.people) for _, truth in sizes]),
        mean([spearman(given, truth.shares) for given, truth in kept]),
    )


def rightness_of(
    prepared: Prepared,
    texts: Texts,
    subjects: Sequence[Subject],
    scores: Mapping[str, Mapping[str, Sequence[Attribution]]],
) -> Iterator[tuple[str, str, Rightness]]:
    """Of each method and model, word by word: a word's score is the sum of its tokens'. Nothing
    where nothing is known."""
    tokenizer = prepared.tokenizer
    known, words = [], []
    for one in subjects:
        answer = known_of(prepared, texts, one)
        if answer is None or tokenizer is None:
            return
        places = words_of(tokenizer, texts.originals[one.example], len(one.ids))
        words.append(np.array(places))
        count = places[-1] + 1  # what was cut off is not known to the model
        known.append(Known(answer.shares[:count], answer.people[:count]))
    for method, by_model in scores.items():
        for label, attributions in by_model.items():
            of_words = [
                np.bincount(places, one.scores, minlength=len(of.shares)).astype(np.float64)
                for places, one, of in zip(words, attributions, known, strict=True)
            ]
            figures = rightness(of_words, known)
            if figures:
                yield method, label, figures


def precision(sizes: Scores, players: NDArray[np.bool_]) -> float:
    top = np.argsort(-sizes, kind="stable")[: players.sum()]
    return float(players[top].mean())


def average_precision(sizes: Scores, players: NDArray[np.bool_]) -> float:
    """The mean, over players, of the precision of all scores as large as theirs (Manning et al.
    2008, section 8.4); of equals the one that stands first."""
    found = players[np.argsort(-sizes, kind="stable")]
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())


def auroc(sizes: Scores, players: NDArray[np.bool_]) -> float:
    """The chance that a player's score is larger than another word's, ties counting half (Mann and
    Whitney 1947)."""
    ours, others = sizes[players][:, None], sizes[~players]
    return float(np.mean((ours > others) + 0.5 * (ours == others)))


def _share(sizes: Scores, where: NDArray[np.bool_]) -> float:
    total = float(sizes.sum())
    return float(sizes[where].sum()) / total if total else float("nan")


def whence(prepared: Prepared, texts: Texts) -> Whence:
    """Where an answer that explanations have to find comes from, if there is one."""
    if not texts.originals:
        return ""
    if prepared.rule:
        return "rule"
    if prepared.marked:
        return "marked"
    return "alignment" if prepared.alignment else ""


def known_of(prepared: Prepared, texts: Texts, one: Subject) -> Known | None:
    """The answer that an explanation has to find: the words that decide a label, the word that a
    word of a translation stands for, or what people marked; None where nothing of it is known."""
    text = texts.originals.get(one.example)
    if text is None:
        return None
    nobody = np.zeros(len(text.split()), bool)
    if prepared.rule:
        return Known(np.array(prepared.rule.shares(text)), np.array(prepared.rule.people(text)))
    if prepared.marked:
        return Known(np.array(prepared.marked(text), np.float64), nobody)
    if prepared.alignment and prepared.tokenizer:
        wanted, at = str(prepared.examples[one.example].wanted), len(one.prefix) - 1
        word = words_of(prepared.tokenizer, wanted, at + 1)[at]
        shares = np.zeros(len(nobody))
        shares[prepared.alignment(text)[word]] = 1.0
        return Known(shares, nobody)
    return None
