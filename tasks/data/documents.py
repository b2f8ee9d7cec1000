"""Generated short stories and their exact one-line summaries.

One sentence, the first or the second, introduces a person and a place. One of the others tells
the outcome: it begins with "finally", "in the end" or "as a result" and goes on with that
person. The summary is a headline of the two, in the present tense:

    [TRAIT] PERSON from PLACE VERBs QUALITY OBJECT [on DAY]

All else is to be ignored: what the person did before, what others did (also in the end), where
others come from, outcomes that are denied, and fillers. Apart from the introduction, sentences
come in any order.

The summary is a function of the document, so a perfect model reaches a loss of 0.
"""

import re
from itertools import islice

from .grammar import Dice, Split, texts_of, vocabulary, word_list

VERSION = 1
LEAST_WORDS, MOST_WORDS = 35, 60  # of a document
_FEWEST_OTHERS, _MOST_OTHERS = 3, 6  # sentences besides the introduction and the outcome

_PEOPLE = word_list(
    "baker captain doctor farmer hunter king nurse pilot queen sailor singer teacher"
)
_TRAITS = word_list("brave careful lonely merry poor proud rich young")
_PLACES = word_list("athens berlin cairo dublin lisbon london madrid oslo paris prague rome vienna")
_VERBS = word_list(
    "clean collect destroy discover follow guard mend paint repair return visit want"
)
_OBJECTS = word_list("boat book bridge clock coat garden house lamp letter map piano ring tower")
_QUALITIES = word_list("big black blue broken famous golden heavy small")
_DAYS = word_list("monday tuesday wednesday thursday friday saturday sunday")
_MARKERS = ("finally", "in the end", "as a result")
_BEFORE = ("at first", "one day", "then", "later")
_FILLERS = (
    "it was a cold morning",
    "nobody knew why",
    "the streets were full of snow",
    "many people talked about it",
    "the weather was very bad",
    "it took a long time",
    "everyone was tired and hungry",
    "there was much to do",
    "the road was empty again",
    "that winter never seemed to end",
    "some neighbours watched from behind their windows",
    "such things happen every year",
)
_INTRODUCTIONS = (
    "this is the story of the {person} from {place}",
    "once there lived a {person} in {place}",
    "in {place} there lived a {person}",
)
_INTRODUCES = {"story", "lived"}
_DENIAL, _ARRIVALS = "it is not true that", ("a {person} came from {place}", "{place} was far away")


_TOLD = (*_PEOPLE, *_TRAITS, *_PLACES, *_OBJECTS, *_QUALITIES, *_DAYS, "from", "on")
_SAID = (*_MARKERS, *_BEFORE, *_FILLERS, _DENIAL, "the", ".")
_FRAMES = [frame.format(person="", place="") for frame in (*_INTRODUCTIONS, *_ARRIVALS)]
SOURCE_WORDS = vocabulary([*_TOLD, *_SAID, *_FRAMES, *(verb + "ed" for verb in _VERBS)])
TARGET_WORDS = vocabulary([*_TOLD, *(verb + "s" for verb in _VERBS)])


def documents(count: int, split: Split) -> list[tuple[str, str]]:
    """The first `count` documents of a split with their summaries; more begin with these."""
    dice = Dice(VERSION, stream=4)
    return [(text, summarise(text)) for text in islice(texts_of(split, lambda: _draw(dice)), count)]


def summarise(document: str) -> str:
    """The one right summary of a document."""
    sentences = [sentence.strip() for sentence in document.split(".")]
    introduction = next(s.split() for s in sentences if _INTRODUCES & set(s.split()))
    trait_and_person = [word for word in introduction if word in _TRAITS or word in _PEOPLE]
    place = next(word for word in introduction if word in _PLACES)
    outcome = re.compile(
        rf"(?:{'|'.join(_MARKERS)}) the {trait_and_person[-1]} (\w+)ed the (\w+ \w+)( on \w+)?"
    )
    verb, object_, day = next(filter(None, map(outcome.fullmatch, sentences))).groups(default="")
    return f"{' '.join(trait_and_person)} from {place} {verb}s {object_}{day}"


def _draw(dice: Dice) -> str:
    while True:
        sentences = _draw_sentences(dice)
        text = " ".join(f"{sentence} ." for sentence in sentences)
        repeats = len(set(sentences)) < len(sentences)
        if not repeats and LEAST_WORDS <= len(text.split()) <= MOST_WORDS:
            return text


def _draw_sentences(dice: Dice) -> list[str]:
    person, *others = dice.shuffled(_PEOPLE)[:3]
    trait = f"{dice.pick(_TRAITS)} " * dice.chance(1, 2)
    frame, place = dice.pick(_INTRODUCTIONS), dice.pick(_PLACES)
    introduction = frame.format(person=trait + person, place=place)
    told = [f"{dice.pick(_MARKERS)} {_draw_deed(dice, person)}"]
    for _ in range(_FEWEST_OTHERS + dice.below(_MOST_OTHERS - _FEWEST_OTHERS + 1)):
        told.append(_draw_distraction(dice, person, dice.pick(others)))
    opening = [dice.pick(_FILLERS)] * dice.chance(1, 3)
    return [*opening, introduction, *dice.shuffled(told)]


def _draw_distraction(dice: Dice, person: str, other: str) -> str:
    """A sentence that the summary is to ignore."""
    kind = dice.below(8)
    if kind < 2:
        return f"{dice.pick(_BEFORE)} {_draw_deed(dice, person if kind else other)}"
    if kind == 2:
        return f"{dice.pick(_MARKERS)} {_draw_deed(dice, other)}"
    if kind == 3:
        return f"{_DENIAL} {dice.pick(_MARKERS)} {_draw_deed(dice, person)}"
    if kind == 4:
        return dice.pick(_ARRIVALS).format(person=other, place=dice.pick(_PLACES))
    return dice.pick(_FILLERS)


def _draw_deed(dice: Dice, person: str) -> str:
    things = f"{dice.pick(_QUALITIES)} {dice.pick(_OBJECTS)}"
    day = f" on {dice.pick(_DAYS)}" * dice.chance(1, 3)
    return f"the {person} {dice.pick(_VERBS)}ed the {things}{day}"
