import hashlib

import pytest
from compare.tasks.data.grammar import Split
from compare.tasks.data.transduction import (
    MOST_WORDS,
    SOURCE_WORDS,
    TARGET_WORDS,
    sentences,
    translate,
)


@pytest.mark.parametrize(
    ("split", "digest"),
    [
        ("train", "642c9fc1745c8f06012eff45aa0bc77a1fb3a15e0e989a06e2cbf87ff015030a"),
        ("validation", "a567d3ef450d6d6d5aa26503f5b75a993f4f0bf9cc047bcbaf9f734f5cb6a862"),
    ],
)
def test_a_version_has_the_same_bytes_on_every_machine(split: Split, digest: str) -> None:
    text = "\n".join(f"{source}\t{target}" for source, target in sentences(1000, split))
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_more_sentences_begin_with_the_same_ones() -> None:
    assert sentences(500, "validation")[:100] == sentences(100, "validation")


def test_the_rule_reproduces_every_target_from_the_source_alone() -> None:
    assert all(translate(source) == target for source, target in sentences(5000, "train"))


def test_no_source_is_in_both_splits() -> None:
    train = {source for source, _ in sentences(20_000, "train")}
    validation = {source for source, _ in sentences(5000, "validation")}
    assert not train & validation


def test_the_vocabularies_are_exactly_the_words_that_occur() -> None:
    pairs = sentences(20_000, "train")
    assert {word for source, _ in pairs for word in source.split()} == set(SOURCE_WORDS)
    assert {word for _, target in pairs for word in target.split()} == set(TARGET_WORDS)
    assert list(SOURCE_WORDS) == sorted(set(SOURCE_WORDS))
    assert list(TARGET_WORDS) == sorted(set(TARGET_WORDS))


def test_sources_have_five_to_fourteen_words() -> None:
    lengths = {len(source.split()) for source, _ in sentences(5000, "train")}
    assert lengths == set(range(5, MOST_WORDS + 1))


# In the target language: mavon is cat, bufan dog, nabon king, bigio big, gereo black, lezak
# painted, kuze near and lude slowly.


def test_the_verb_goes_last_and_the_noun_before_its_adjectives_and_article() -> None:
    assert translate("the cat painted the dog") == "mavon lo bufan lo lezak"
    assert translate("a big black cat painted the dog") == "mavon bigio gereo no bufan lo lezak"


def test_adverbs_go_first_and_places_before_the_object() -> None:
    assert (
        translate("the cat painted the dog near the king slowly")
        == "lude mavon lo nabon lo kuze bufan lo lezak"
    )


def test_a_relative_clause_has_its_own_verb_at_its_end() -> None:
    assert (
        translate("the cat that painted the king painted the dog")
        == "mavon lo ke nabon lo lezak bufan lo lezak"
    )


def test_negation_and_question_follow_the_verb() -> None:
    statement = translate("the cat painted the dog")
    assert translate("the cat never painted the dog") == f"{statement} nul"
    assert translate("did the cat paint the dog ?") == f"{statement} vai"
    assert translate("did the cat never paint the dog ?") == f"{statement} nul vai"


def test_articles_and_adjectives_agree_with_their_noun_in_gender_and_number() -> None:
    phrases = ["the small king", "the small queen", "the small kings", "the small queens"]
    translated = [translate(f"{phrase} painted the dog").split()[1:3] for phrase in phrases]
    stem = translated[0][0].removesuffix("o")
    endings = ["o", "a", "oi", "ai"]
    assert translated == [[stem + ending, "l" + ending] for ending in endings]


def test_verbs_agree_with_their_subject_even_where_the_source_does_not_show_it() -> None:
    singular = translate("the king painted the dogs").split()[-1]
    assert translate("the kings painted the dog").split()[-1] == singular + "e"


def test_a_question_has_the_tense_of_its_auxiliary() -> None:
    for auxiliary, verb in [("does", "paints"), ("did", "painted"), ("will", "will paint")]:
        asked = translate(f"{auxiliary} the cat paint the dog ?")
        assert asked == translate(f"the cat {verb} the dog") + " vai"
