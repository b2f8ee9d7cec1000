"""Scores of texts in any script."""

import pytest
from compare.tasks.words import ROUGE_SCORE, UNICODE, UnicodeWords, word_rule
from rouge_score.rouge_scorer import RougeScorer

from compare.plugins import load_task
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
