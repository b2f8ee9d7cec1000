import hashlib
from collections import Counter

import pytest
from compare.tasks.data.documents import (
    LEAST_WORDS,
    MOST_WORDS,
    SOURCE_WORDS,
    TARGET_WORDS,
    documents,
    summarise,
)
from compare.tasks.data.grammar import Split

_STORY = (
    "once there lived a young baker in rome .",
    "finally the baker painted the blue boat .",
)


@pytest.mark.parametrize(
    ("split", "digest"),
    [
        ("train", "6b7ac9c653581358275bf61f9c41b7877811784c54bd8011a1ad221230a9578e"),
        ("validation", "52b2ebf9fb76fd695190dcc0a53599834dc430c40e70529018b240639f2263d6"),
    ],
)
def test_a_version_has_the_same_bytes_on_every_machine(split: Split, digest: str) -> None:
    text = "\n".join(f"{document}\t{summary}" for document, summary in documents(1000, split))
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_more_documents_begin_with_the_same_ones() -> None:
    assert documents(500, "validation")[:100] == documents(100, "validation")


def test_the_rule_reproduces_every_summary_from_the_document_alone() -> None:
    assert all(summarise(document) == summary for document, summary in documents(3000, "train"))


def test_no_document_is_in_both_splits() -> None:
    train = {document for document, _ in documents(10_000, "train")}
    validation = {document for document, _ in documents(3000, "validation")}
    assert not train & validation


def test_the_vocabularies_are_exactly_the_words_that_occur() -> None:
    pairs = documents(5000, "train")
    assert {word for document, _ in pairs for word in document.split()} == set(SOURCE_WORDS)
    assert {word for _, summary in pairs for word in summary.split()} == set(TARGET_WORDS)
    assert list(SOURCE_WORDS) == sorted(set(SOURCE_WORDS))
    assert list(TARGET_WORDS) == sorted(set(TARGET_WORDS))


def test_lengths_are_within_bounds() -> None:
    pairs = documents(3000, "train")
    assert all(LEAST_WORDS <= len(document.split()) <= MOST_WORDS for document, _ in pairs)
    assert {document.count(".") for document, _ in pairs} >= {5, 6, 7, 8}
    assert {len(summary.split()) for _, summary in pairs} == {6, 7, 8, 9}


def test_a_summary_joins_the_introduction_and_the_outcome() -> None:
    assert summarise(" ".join(_STORY)) == "young baker from rome paints blue boat"


@pytest.mark.parametrize(
    "introduction",
    [
        "in rome there lived a young baker .",
        "this is the story of the young baker from rome .",
        "it was a cold morning . once there lived a young baker in rome .",
    ],
)
def test_introductions_that_say_the_same_give_the_same_summary(introduction: str) -> None:
    assert summarise(f"{introduction} {_STORY[1]}") == summarise(" ".join(_STORY))


@pytest.mark.parametrize("marker", ["in the end", "as a result"])
def test_markers_mean_the_same(marker: str) -> None:
    story = " ".join(_STORY)
    assert summarise(story.replace("finally", marker)) == summarise(story)


@pytest.mark.parametrize(
    "distraction",
    [
        "at first the baker mended the red clock on sunday .",
        "then the farmer mended the red clock .",
        "finally the farmer mended the red clock on sunday .",
        "it is not true that finally the baker mended the red clock on sunday .",
        "a farmer came from oslo .",
        "oslo was far away .",
        "nobody knew why .",
    ],
)
def test_distractions_change_nothing_wherever_they_stand(distraction: str) -> None:
    introduction, outcome = _STORY
    expected = "young baker from rome paints blue boat"
    assert summarise(f"{introduction} {distraction} {outcome}") == expected
    assert summarise(f"{introduction} {outcome} {distraction}") == expected


def test_the_outcome_s_place_in_the_document_varies() -> None:
    places: Counter[int] = Counter()
    for document, summary in documents(2000, "train"):
        verb = summary.split("from")[1].split()[1]
        told = [index for index, s in enumerate(document.split(" .")) if f" {verb[:-1]}ed " in s]
        if len(told) == 1:
            places[told[0]] += 1
    assert len(places) >= 6
    assert max(places.values()) < 0.4 * places.total()


def test_most_documents_hold_a_distraction_that_begins_like_the_outcome() -> None:
    marked = ("finally", "in the end", "as a result")
    counts = [
        sum(sentence.strip().startswith(marked) for sentence in document.split("."))
        for document, _ in documents(2000, "train")
    ]
    assert sum(count > 1 for count in counts) > 0.3 * len(counts)
