"""Words that people marked as the reason of a label: a column of a user's data."""

from collections.abc import Callable, Sequence

from compare.errors import UserError

from .beside import beside_texts
from .sentiment_settings import SentimentTask


def marked_words(
    task: SentimentTask, data: str, texts: Sequence[str]
) -> Callable[[str], Sequence[bool]] | None:
    """Which words of a text are marked: the column has them, between spaces, or as many 0 and 1 as
    the text has words. Raises UserError for marks that are no words of their text."""
    if task.rationale is None:
        return None
    rows = beside_texts(task, data, "task.rationale", task.rationale, held=True)
    found = {}
    for text in texts:
        words, marks = text.split(), rows.get(text, "").split()
        if len(marks) == len(words) and set(marks) <= {"0", "1"}:
            found[text] = [mark == "1" for mark in marks]
            continue
        words, marks = [_bare(word) for word in words], [_bare(mark) for mark in marks]
        strange = [mark for mark in marks if mark not in words]
        if strange:
            raise UserError(
                f"task.rationale: '{strange[0]}' is marked and is no word of '{text[:40]}'"
            )
        found[text] = [word in marks for word in words]
    return lambda text: found.get(text, [False] * len(text.split()))


def _bare(word: str) -> str:
    """Without the marks around it, which a rationale may leave out."""
    return word.casefold().strip(".,;:!?\"'()[]") or word
