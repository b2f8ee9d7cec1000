"""A generated language pair: English-like sentences and their exact translation by rule.

    source:  [does] SUBJECT [that VERB OBJECT] [never] VERB OBJECT [PREPOSITION PLACE] [ADVERB] [?]
    target:  [ADVERB] SUBJECT [ke OBJECT VERB] [PLACE POSTPOSITION] OBJECT VERB [nul] [vai]

The target language puts verbs last, adjectives and then the article after their noun, adverbs
first, negation (nul) after the verb and the question (vai) at the end. Its articles and
adjectives agree with the noun in gender and number, its verbs with their subject in number,
also where the source does not show it ("painted"). The gender is each noun's own, so it must be
learnt word by word.

The translation is a function of the source, so a perfect model reaches a loss of 0.
"""

from collections import deque
from itertools import islice

from .grammar import Dice, Split, texts_of, vocabulary, word_list

VERSION = 1
MOST_WORDS = 14  # of a source; the least is 5

_NOUNS = {
    "masculine": word_list(
        "actor baker banker bear boat boy captain cat clock doctor dog driver eagle farmer "
        "garden horse hunter king lion painter pilot river sailor tiger"
    ),
    "feminine": word_list(
        "apple artist bird bridge camel carrot cow dancer door flower girl judge lamp letter "
        "mother nurse queen ship singer sister spider table teacher window"
    ),
}
_VERBS = word_list(
    "answer avoid clean collect count follow greet guard help hunt join lift mend mention need "
    "offer order paint protect remember repair trust visit want"
)
_ADJECTIVES = word_list(
    "angry big black blue brave calm clever cold gentle green happy heavy loud old quiet red "
    "small strange white young"
)
_PREPOSITIONS = word_list("behind beside near under with without")
_ADVERBS = word_list("again always gladly often quickly secretly slowly today")
_ARTICLES = {"the": "l", "a": "n", "some": "n"}  # "some" is the plural of "a"
_ENDINGS = {
    ("masculine", False): "o",
    ("feminine", False): "a",
    ("masculine", True): "oi",
    ("feminine", True): "ai",
}
_TENSES = {"present": "t", "past": "k", "future": "s"}
_AUXILIARIES = {"does": "present", "do": "present", "did": "past", "will": "future"}
_FORMS = {
    verb + suffix: (verb, tense)
    for verb in _VERBS
    for suffix, tense in {"": "present", "s": "present", "ed": "past"}.items()
}
_GENDERS = {noun: gender for gender, nouns in _NOUNS.items() for noun in nouns}
_RELATIVE, _NEGATION, _QUESTION = "ke", "nul", "vai"


def _lexicon() -> dict[str, str]:
    """A stem of two invented syllables for each word of the source that has a meaning."""
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    meanings = [*_GENDERS, *_VERBS, *_ADJECTIVES, *_PREPOSITIONS, *_ADVERBS]
    pairs = len(syllables) ** 2
    # 1009 has no divisor in common with 70^2, so no two stems are alike, and neighbours differ.
    places = [divmod(1009 * index % pairs, len(syllables)) for index in range(len(meanings))]
    stems = [syllables[first] + syllables[second] for first, second in places]
    return dict(zip(meanings, stems, strict=True))


_LEXICON = _lexicon()
SOURCE_WORDS = vocabulary(
    (*_GENDERS, *(noun + "s" for noun in _GENDERS), *_FORMS, *_ADJECTIVES, *_PREPOSITIONS,
     *_ADVERBS, *_ARTICLES, *_AUXILIARIES, "that", "never", "?")
)  # fmt: skip
TARGET_WORDS = vocabulary(
    [_LEXICON[noun] + number for noun in _GENDERS for number in ("n", "ni")]
    + [_LEXICON[verb] + tense for verb in _VERBS for tense in _TENSES.values()]
    + [_LEXICON[verb] + tense + "e" for verb in _VERBS for tense in _TENSES.values()]
    + [_LEXICON[word] + end for word in _ADJECTIVES for end in _ENDINGS.values()]
    + [article + end for article in _ARTICLES.values() for end in _ENDINGS.values()]
    + [_LEXICON[word] for word in (*_PREPOSITIONS, *_ADVERBS)]
    + [_RELATIVE, _NEGATION, _QUESTION]
)


def sentences(count: int, split: Split) -> list[tuple[str, str]]:
    """The first `count` sentences of a split with their translations; more begin with these."""
    dice = Dice(VERSION, stream=2)
    return [(text, translate(text)) for text in islice(texts_of(split, lambda: _draw(dice)), count)]


def translate(source: str) -> str:
    """The one right translation of a sentence of the source language."""
    return " ".join(word for word, _ in _translated(source))


def alignment(source: str) -> tuple[int, ...]:
    """Of each word of the translation the number of the source word that it stands for."""
    return tuple(place for _, place in _translated(source))


_Placed = list[tuple[str, int]]
"""Words of the target, each with the place of the source word that it stands for"""
_Words = deque[tuple[int, str]]


def _translated(source: str) -> _Placed:
    words: _Words = deque(enumerate(source.split()))
    last, mark = words[-1]
    asked = mark == "?"
    tense = _AUXILIARIES[words.popleft()[1]] if asked else None
    subject, plural = _noun_phrase(words)
    if words[0][1] == "that":
        that, _ = words.popleft()
        verb = _verb(words, plural)
        subject += [(_RELATIVE, that), *_noun_phrase(words)[0], verb]
    particles: _Placed = []
    if words[0][1] == "never":
        particles.append((_NEGATION, words.popleft()[0]))
    verb = _verb(words, plural, tense)
    rest = _noun_phrase(words)[0]
    if words and words[0][1] in _PREPOSITIONS:
        postposition = _meaning(words)
        rest = [*_noun_phrase(words)[0], postposition, *rest]
    adverb = [_meaning(words)] if words and words[0][1] in _ADVERBS else []
    if asked:
        particles.append((_QUESTION, last))
    return [*adverb, *subject, *rest, verb, *particles]


def _meaning(words: _Words) -> tuple[str, int]:
    """Takes a word off that has one form only."""
    place, word = words.popleft()
    return _LEXICON[word], place


def _noun_phrase(words: _Words) -> tuple[_Placed, bool]:
    """Takes a noun phrase off the words: its translation, and whether it is plural."""
    (of_article, article), adjectives = words.popleft(), []
    while words[0][1] in _ADJECTIVES:
        adjectives.append(words.popleft())
    of_noun, noun = words.popleft()
    plural = noun not in _GENDERS
    noun = noun.removesuffix("s") if plural else noun
    ending = _ENDINGS[_GENDERS[noun], plural]
    translated = _LEXICON[noun] + ("ni" if plural else "n")
    agreeing = [(_LEXICON[adjective] + ending, place) for place, adjective in adjectives]
    return [(translated, of_noun), *agreeing, (_ARTICLES[article] + ending, of_article)], plural


def _verb(words: _Words, plural: bool, asked: str | None = None) -> tuple[str, int]:
    """Takes a verb off the words: its translation, in the tense of a question's auxiliary."""
    if words[0][1] == "will":
        asked = _AUXILIARIES[words.popleft()[1]]
    place, word = words.popleft()
    verb, tense = _FORMS[word]
    return _LEXICON[verb] + _TENSES[asked or tense] + "e" * plural, place


def _draw(dice: Dice) -> str:
    while True:
        words = _draw_words(dice)
        if len(words) <= MOST_WORDS:
            return " ".join(words)


def _draw_words(dice: Dice) -> list[str]:
    subject, plural = _draw_noun_phrase(dice, most_adjectives=2)
    if dice.chance(1, 6):
        other = _draw_noun_phrase(dice, most_adjectives=1)[0]
        subject += ["that", *_draw_verb(dice, plural), *other]
    never = ["never"] * dice.chance(1, 5)
    asked = dice.chance(1, 5)
    if asked:
        auxiliary = dice.pick(["do" if plural else "does", "did", "will"])
        start = [auxiliary, *subject, *never, dice.pick(_VERBS)]
    else:
        start = [*subject, *never, *_draw_verb(dice, plural)]
    rest = _draw_noun_phrase(dice, most_adjectives=2)[0]
    if dice.chance(1, 3):
        rest += [dice.pick(_PREPOSITIONS), *_draw_noun_phrase(dice, most_adjectives=1)[0]]
    adverb = [dice.pick(_ADVERBS)] * dice.chance(1, 3)
    return [*start, *rest, *adverb, *["?"] * asked]


def _draw_noun_phrase(dice: Dice, most_adjectives: int) -> tuple[list[str], bool]:
    plural = dice.chance(1, 2)
    article = dice.pick(["the", "some" if plural else "a"])
    # A dictionary, since "the old old boat" would be odd.
    adjectives = {dice.pick(_ADJECTIVES): None for _ in range(dice.below(most_adjectives + 1))}
    noun = dice.pick(tuple(_GENDERS)) + "s" * plural
    return [article, *adjectives, noun], plural


def _draw_verb(dice: Dice, plural: bool) -> list[str]:
    verb = dice.pick(_VERBS)
    return dice.pick([[verb if plural else verb + "s"], [verb + "ed"], ["will", verb]])
