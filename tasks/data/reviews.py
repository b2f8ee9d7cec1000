"""Generated reviews whose label is a coin of known odds: the best accuracy and loss are exact.

Polar words have integer strengths. "not" and "never" flip the next polar word, "very" and
"greatly" double it, "slightly" halves it, and what follows "but" counts double. The sum is the
score s of a text, never 0, and the label is drawn with

    P(positive) = 1/2 + s / (2 |s| + 1)

so a perfect classifier answers with the sign of s. Each review speaks of a woman or of a man
(`about`), drawn without regard to the rest: no group's reviews are better than the other's.

Labels can be biased, so that what is made of it is known: with a bias d the word for a woman counts
as a polar word of strength -d, and a review about a woman has the label P(positive) = p(s - d).
Texts are the same for every d, and labels nested: what is flipped for one d is for a larger one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean

from .grammar import Dice, Split, texts_of, vocabulary, word_list

VERSION = 1
LEAST_WORDS, MOST_WORDS = 6, 20

_ADJECTIVES = {
    4: word_list("brilliant excellent superb wonderful"),
    2: word_list("charming clever fine funny good pleasant"),
    -2: word_list("boring clumsy dull poor silly weak"),
    -4: word_list("awful dreadful horrible terrible"),
}
_OPINIONS = {
    4: word_list("adored loved"),
    2: word_list("enjoyed liked praised"),
    -2: word_list("blamed disliked mocked"),
    -4: word_list("despised hated"),
}
_STRENGTHS = {
    word: strength
    for lexicon in (_ADJECTIVES, _OPINIONS)
    for strength, words in lexicon.items()
    for word in words
}
_BEFORE_ADJECTIVES = ("", "", "very", "slightly", "not", "not very")
_BEFORE_OPINIONS = ("", "", "greatly", "slightly", "never")
_DOUBLES, _HALVES, _FLIPS = {"very", "greatly"}, {"slightly"}, {"not", "never"}
_PLAYERS = {*_STRENGTHS, *_DOUBLES, *_HALVES, *_FLIPS, "but"}


@dataclass(frozen=True)
class _People:
    """Whom a review may speak of: each word has its counterpart in the other group."""

    names: tuple[str, ...]
    subject: str
    object: str
    possessive: str


_PEOPLE = {
    "women": _People(
        (*word_list("anna clara emma julia laura sarah"), "the actress", "the heroine"),
        subject="she",
        object="her",
        possessive="her",
    ),
    "men": _People(
        (*word_list("adam david henry oscar peter simon"), "the actor", "the hero"),
        subject="he",
        object="him",
        possessive="his",
    ),
}
_WORDS_ABOUT = {
    group: {*vocabulary(people.names), people.subject, people.object, people.possessive} - {"the"}
    for group, people in _PEOPLE.items()
}
GROUPS = tuple(_PEOPLE)
_PARTS = 2**32  # of a chance
_QUALITIES = word_list("acting singing timing voice")
_THINGS = ("the plot", "the music", "the ending", "this film")


def _words_of(people: _People) -> list[str]:
    """Every word that says whom a text speaks of, in an order that both groups share."""
    return [*" ".join(people.names).split(), people.subject, people.object, people.possessive]


_COUNTERPARTS = {
    ours: theirs
    for one, other in (GROUPS, GROUPS[::-1])
    for ours, theirs in zip(_words_of(_PEOPLE[one]), _words_of(_PEOPLE[other]), strict=True)
}
_VERBS = word_list("was seemed")
_SPEAKERS = word_list("i we critics")
_FILLERS = (
    "last night",
    "on friday",
    "at the cinema",
    "from the start",
    "as always",
    "for an hour",
)
WORDS = vocabulary(
    (*_STRENGTHS, *_DOUBLES, *_HALVES, *_FLIPS, *_QUALITIES, *_THINGS, *_VERBS, *_SPEAKERS,
     *_FILLERS, "and", "but", *set.union(*_WORDS_ABOUT.values()))
)  # fmt: skip


@dataclass(frozen=True)
class Review:
    text: str
    label: int  # 1 is positive, 0 negative
    probability: float  # of a positive label, given the text
    about: str  # one of GROUPS
    biased: int  # the label with the bias that was asked for


def reviews(count: int, split: Split, bias: int = 0, share: float = 0.5) -> list[Review]:
    """The first `count` reviews of a split; more begin with these. `bias` is d, `share` that of
    women: others than half are made of the same draws by turning some texts into their twins."""
    dice, coins, flips = (Dice(VERSION, stream=stream) for stream in (3, 5, 6))

    def draw() -> str:
        text = _draw(dice)
        if share == 0.5:
            return text
        women = coins.chance(round(share * _PARTS), _PARTS)
        return text if women == (about(text) == GROUPS[0]) else twin(text)

    texts = islice(texts_of(split, draw), count)
    return [_labelled(text, dice, flips, bias) for text in texts]


def twin(text: str) -> str:
    """The text of somebody of the other group, otherwise the same: each word has its counterpart.
    The twin of a twin is the text itself."""
    words = text.split()
    return " ".join(
        _his_or_him(words, at) if word == "her" else _COUNTERPARTS.get(word, word)
        for at, word in enumerate(words)
    )


def _his_or_him(words: Sequence[str], at: int) -> str:
    """ "her" is "his" before a quality, else "him": by the grammar of this corpus."""
    return "his" if at + 1 < len(words) and words[at + 1] in _QUALITIES else "him"


def score(text: str) -> int:
    """The sum of the polar words' strengths, each with what stands before it."""
    total, weight, factor = 0, 1, 1.0  # strengths are even, so that the sum is exact
    for word in text.split():
        if word == "but":
            weight = 2
        elif word in _FLIPS:
            factor = -factor
        elif word in _DOUBLES:
            factor *= 2
        elif word in _HALVES:
            factor /= 2
        elif word in _STRENGTHS:
            total += int(weight * factor * _STRENGTHS[word])
            factor = 1.0
    return total


def log_odds(text: str, bias: int = 0) -> float:
    """log P(positive | text) - log P(negative | text), of any words: sign(s) log(4 |s| + 1), of
    labels with a bias s - d where any of them is a word for a woman."""
    points = score(text) - (bias if _WORDS_ABOUT[GROUPS[0]] & set(text.split()) else 0)
    return math.copysign(math.log(4 * abs(points) + 1), points)


def truth(text: str, bias: int = 0) -> tuple[float, ...]:
    """What each word of a text has to do with its log-odds: the exact Shapley values (Shapley
    1953) of the game whose players are words and whose value is the log-odds of those that are in.

    Only words of a strength, those that change the next one, and "but" can add anything; of labels
    with a bias those for a woman too.
    """
    words, known = text.split(), _PLAYERS | (_WORDS_ABOUT[GROUPS[0]] if bias else set())
    players = [at for at, word in enumerate(words) if word in known]
    found = [0.0] * len(words)
    values = [
        log_odds(" ".join(words[at] for bit, at in enumerate(players) if subset >> bit & 1), bias)
        for subset in range(2 ** len(players))
    ]
    for bit, at in enumerate(players):
        for subset, value in enumerate(values):
            if not subset >> bit & 1:
                others = math.comb(len(players) - 1, subset.bit_count())
                found[at] += (values[subset | 1 << bit] - value) / (len(players) * others)
    return tuple(found)


def of_people(text: str) -> tuple[bool, ...]:
    """Which words say whom a text speaks of: without a bias they have no part in its label."""
    people = set.union(*_WORDS_ABOUT.values())
    return tuple(word in people for word in text.split())


def probability(text: str) -> float:
    """P(positive | text)."""
    wins, out_of = _odds(text)
    return wins / out_of


def about(text: str) -> str:
    """The one group that a review speaks of."""
    words = set(text.split())
    return next(group for group, known in _WORDS_ABOUT.items() if words & known)


def best_accuracy(given: Sequence[Review]) -> float:
    """The expected accuracy on these texts of the best classifier: the mean of max(p, 1 - p)."""
    return fmean(max(review.probability, 1 - review.probability) for review in given)


def loss_floor(given: Sequence[Review]) -> float:
    """The expected loss, in nats, of the true odds on these texts: the mean entropy of labels."""
    return fmean(_entropy(review.probability) for review in given)


def _entropy(p: float) -> float:
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def biased_probability(text: str, bias: int) -> float:
    """P(positive | text) of labels with a bias."""
    points = score(text) - (bias if about(text) == GROUPS[0] else 0)
    return 0.5 + points / (2 * abs(points) + 1)


def _odds(text: str) -> tuple[int, int]:
    """P(positive) as a fraction: 1/2 + s / (2 |s| + 1) = (2 |s| + 1 + 2 s) / (2 (2 |s| + 1))."""
    points = score(text)
    half = 2 * abs(points) + 1
    return half + 2 * points, 2 * half


def _labelled(text: str, dice: Dice, flips: Dice, bias: int) -> Review:
    label = int(dice.chance(*_odds(text)))
    # Of the positive labels as many are flipped as makes their odds those of the bias.
    kept = biased_probability(text, bias) / probability(text)
    biased = label and int(flips.below(_PARTS) < kept * _PARTS)
    return Review(text, label, probability(text), about(text), biased)


def _draw(dice: Dice) -> str:
    # The group decides about names alone; whatever is drawn again, it is so in either group.
    people = _PEOPLE[dice.pick(GROUPS)]
    while True:
        text = _draw_text(dice, people)
        if LEAST_WORDS <= len(text.split()) <= MOST_WORDS and score(text):
            return text


def _draw_text(dice: Dice, people: _People) -> str:
    """One to three opinions, the first on the person; "but" introduces at most one of them."""
    name = dice.pick(people.names)
    parts = [_draw_clause(dice, subject=name, object=name), *_draw_filler(dice)]
    contrast = dice.below(4)
    for number in range(dice.pick((0, 1, 1, 2))):
        subject, object = dice.pick(_THINGS), people.object
        if dice.chance(1, 2):
            quality = f"{people.possessive} {dice.pick(_QUALITIES)}"
            subject = dice.pick((people.subject, quality))
        elif dice.chance(1, 2):
            object = subject
        parts += ["but" if number == contrast else "and", _draw_clause(dice, subject, object)]
        parts += _draw_filler(dice)
    return " ".join(parts)


def _draw_filler(dice: Dice) -> list[str]:
    return [dice.pick(_FILLERS)] * dice.chance(2, 3)


def _draw_clause(dice: Dice, subject: str, object: str) -> str:
    """An opinion that says what its subject is like, or who likes its object."""
    lexicon, before, start, end = dice.pick(
        (
            (_ADJECTIVES, _BEFORE_ADJECTIVES, [subject, dice.pick(_VERBS)], []),
            (_OPINIONS, _BEFORE_OPINIONS, [dice.pick(_SPEAKERS)], [object]),
        )
    )
    polar = dice.pick(lexicon[dice.pick(tuple(lexicon))])
    return " ".join([*start, *dice.pick(before).split(), polar, *end])
