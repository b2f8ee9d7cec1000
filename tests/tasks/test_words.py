"""Scores of texts in any script."""

from pathlib import Path

import pytest
import sacrebleu
from compare.tasks.bleu import bleu_for, signature, tokenizer_for
from compare.tasks.words import ROUGE_SCORE, UNICODE, UnicodeWords, word_rule
from rouge_score.rouge_scorer import RougeScorer

from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.overrides import resolve
from compare.stats import Interval

SUMMARIES = {
    "Cyrillic": "Президент подписал новый закон о бюджете.",  # noqa: RUF001
    "Arabic": "وقع الرئيس على قانون جديد للميزانية",
    "Hindi": "राष्ट्रपति ने नए बजट कानून पर हस्ताक्षर किए",
    "Chinese": "总统签署了新的预算法案。",
    "Japanese": "大統領は新しい予算法に署名した。",
    "Thai": "ประธานาธิบดีลงนามในกฎหมายงบประมาณฉบับใหม่",
    "Korean": "대통령이 새 예산법에 서명했다.",
    "German": "Der Präsident hat das neue Haushaltsgesetz für müde Bürger unterschrieben.",
}
ENGLISH = ["It's a 3.5-litre engine, isn't it?", 'He said "no" - twice, under_scored.', "A.B.C."]


@pytest.mark.parametrize("script", SUMMARIES)
def test_a_perfect_summary_scores_100_in_any_script(script: str) -> None:
    text = SUMMARIES[script]
    found = load_task("summarization").quality([text], [text], 0)
    assert [each.value for each in found.values() if isinstance(each, Interval)] == [100.0] * 3


@pytest.mark.parametrize("script", SUMMARIES)
def test_half_a_summary_scores_about_half_in_any_script(script: str) -> None:
    text = SUMMARIES[script]
    found = load_task("summarization").quality([text], [text[: len(text) // 2]], 0)["rouge1"]
    assert isinstance(found, Interval)
    assert 40 < found.value < 80


def test_english_scores_are_those_that_rouge_score_publishes() -> None:
    outputs = ["It is a 3.5-litre engine", 'She said "yes", twice', "A. B. C"]
    found = load_task("summarization").quality(ENGLISH, outputs, 0)
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for metric, score in found.items():
        each = [scorer.score(w, o)[metric].fmeasure for w, o in zip(ENGLISH, outputs, strict=True)]
        assert isinstance(score, Interval)
        assert score.value == pytest.approx(100 * sum(each) / 3)


def test_a_borrowed_letter_does_not_make_english_another_language() -> None:
    assert (
        word_rule(["a café", "and what the people of the old town say of it " * 9]) == ROUGE_SCORE
    )
    assert word_rule([SUMMARIES["German"]]) == UNICODE


def test_marks_stay_with_their_letters_and_spaceless_scripts_are_read_by_character() -> None:
    assert UnicodeWords().tokenize("Don't! कितना 3.5-litre") == ["don't", "कितना", "3.5", "litre"]
    assert UnicodeWords().tokenize("自由です、カタ ที่นี่") == [*"自由ですカタ", "ที่", "นี่"]


@pytest.mark.parametrize("script", SUMMARIES)
def test_a_perfect_translation_scores_100_in_any_script(script: str) -> None:
    text = SUMMARIES[script]
    found = load_task("translation").quality([text] * 3, [text] * 3, 20)
    assert found["bleu"] == Interval(pytest.approx(100), pytest.approx(100), pytest.approx(100))


def test_the_tokeniser_goes_by_the_script_of_the_references() -> None:
    chosen = {script: tokenizer_for([text]) for script, text in SUMMARIES.items()}
    assert [script for script, name in chosen.items() if name != "13a"] == [
        "Chinese", "Japanese", "Thai",
    ]  # fmt: skip
    assert (chosen["Chinese"], chosen["Japanese"], chosen["Thai"]) == ("zh", "char", "char")


def test_chinese_with_other_spaces_is_still_the_same() -> None:
    text = SUMMARIES["Chinese"]
    found = load_task("translation").quality([text], [" ".join(text)], 0)["bleu"]
    assert found == Interval(pytest.approx(100), None, None)


def test_perfect_translations_of_two_words_are_perfect() -> None:
    wanted = ["guten Tag", "vielen Dank", "bis bald"]
    found = load_task("translation").quality(wanted, wanted, 50)["bleu"]
    assert found == Interval(pytest.approx(100), pytest.approx(100), pytest.approx(100))
    assert "eff:yes" in signature(wanted, "auto")
    assert "eff:no" in signature([*wanted, "one two three four"], "auto")


def test_resamples_of_short_references_alone_do_not_widen_the_interval() -> None:
    """A resample without it has no runs of four tokens that an output could have."""
    wanted = ["guten Tag", "vielen Dank", "bis bald", "das ist ein ganzer Satz"]
    found = load_task("translation").quality(wanted, wanted, 50)["bleu"]
    assert found == Interval(pytest.approx(100), pytest.approx(100), pytest.approx(100))


def test_scores_are_those_that_sacrebleu_gives() -> None:
    wanted = [*ENGLISH, "the cat is on the mat", "there is a cat on the mat"]
    outputs = [
        "It is a 3.5-litre engine",
        'She said "yes", twice',
        "A. B. C",
        "the cat",
        "a cat on",
    ]
    found = load_task("translation").quality(wanted, outputs, 50)
    for name, metric in (("bleu", sacrebleu.BLEU()), ("chrf", sacrebleu.CHRF())):
        score = found[name]
        assert isinstance(score, Interval)
        assert score.value == pytest.approx(metric.corpus_score(outputs, [wanted]).score)
        assert score.low is not None
        assert score.low < score.value


@pytest.mark.parametrize(("tokens", "least"), [("words", 0), ("bytes", 100)])
def test_what_the_tokens_can_write_is_the_ceiling(
    tmp_path: Path, tokens: str, least: float
) -> None:
    lines = [f"It's the {i}.5-litre engine, isn't it?" for i in range(100)]
    for ending in ("src", "tgt"):
        (tmp_path / f"engines.{ending}").write_text("\n".join(lines))
    task = {"data": str(tmp_path / "engines"), "tokens": tokens}
    translation = load_task("translation")
    sections = {"task": task, "train": {"sequence_length": 60}}
    prepared = translation.prepare(resolve(translation, "tiny", [sections]))
    assert ("bleu" in prepared.ceilings) == (tokens == "words")
    assert least <= prepared.ceilings.get("bleu", 100) <= 100
    assert prepared.about["bleu_signature"] == (
        f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    )


def test_a_tokeniser_that_is_not_installed_is_refused_before_training() -> None:
    with pytest.raises(UserError, match=r"task\.bleu_tokenize=ja-mecab cannot be used here: .*pip"):
        bleu_for(["a"], "ja-mecab")
