"""The groups that texts speak of, never an input: those of generated reviews, or of a user's texts
a column, or quantiles of one."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from compare.contracts import Example, Prepared
from compare.errors import UserError
from compare.text.padded import Sequences, validation

from .beside import beside_texts
from .best_learner import best_learner
from .data import reviews
from .sentiment_settings import SentimentSettings, SentimentTask

NONE = "(none)"
MOST_GROUPS = 10
_QUANTILES = re.compile(r"^(?P<column>.+):(?P<parts>\d+)$")


def groups_of(task: SentimentTask, data: str, texts: Sequence[str], held: bool) -> list[str]:
    """The group of each text, by the column that `task.group` names, "age:4" for four quantiles of
    numbers; "(none)" where a cell is empty, or a text stands there with two of them. Raises
    UserError for a column of more values than can be told of, or of one."""
    assert task.group is not None
    found = _QUANTILES.match(task.group)
    column, parts = (found["column"], int(found["parts"])) if found else (task.group, 0)
    by_text = beside_texts(task, data, "task.group", column, held)
    values = [by_text.get(text) or NONE for text in texts]
    return _quantiles(values, column, parts) if parts else _few(values, column)


def _few(values: Sequence[str], column: str) -> list[str]:
    names = sorted(set(values))
    if len(names) > MOST_GROUPS:
        remedy = (
            f"task.group={column}:4 makes four groups of a number"
            if all(map(_is_number, names))
            else f"at most {MOST_GROUPS} can be told apart"
        )
        raise UserError(f"task.group={column} has {len(names)} values: {remedy}")
    if len(names) == 1:
        raise UserError(f"task.group={column} is '{names[0]}' throughout: there are no groups")
    return list(values)


def _quantiles(values: Sequence[str], column: str, parts: int) -> list[str]:
    if not 2 <= parts <= MOST_GROUPS:
        raise UserError(f"task.group={column}:{parts}: quantiles are 2 to {MOST_GROUPS}")
    strange = [value for value in values if value != NONE and not _is_number(value)]
    if strange:
        raise UserError(f"task.group={column}:{parts} needs numbers, and '{strange[0]}' is none")
    numbers = np.array([float(value) for value in values if value != NONE])
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, parts + 1)))
    names: Mapping[int, str] = {
        i: f"{column} {low:g} to {high:g}"
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    }
    if len(names) < 2:
        raise UserError(f"task.group={column} is one number throughout: there are no groups")
    places = {
        value: int(np.clip(np.searchsorted(edges, float(value), "right") - 1, 0, len(names) - 1))
        for value in set(values) - {NONE}
    }
    return [NONE if value == NONE else names[places[value]] for value in values]


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return text == NONE


def require_not_the_label(groups: Sequence[str], labels: Sequence[int], column: str) -> None:
    """Raise UserError where a group has one label throughout and no other group has it."""
    pairs = set(zip(groups, labels, strict=True))
    if len(pairs) == len(set(groups)) == len(set(labels)):
        raise UserError(f"task.group={column} is the label itself: there is nothing to compare")


def with_groups(prepared: Prepared, task: SentimentTask, data: str) -> Prepared:
    """With the group of each example, of the column that names it."""
    assert task.group is not None
    texts = [example.text for example in prepared.examples]
    groups = groups_of(task, data, texts, held=True)
    require_not_the_label(groups, [one.wanted for one in prepared.examples], task.group)
    examples = [
        Example(one.text, one.wanted, group)
        for one, group in zip(prepared.examples, groups, strict=True)
    ]
    return replace(prepared, examples=examples)


def with_twins(
    prepared: Prepared,
    settings: SentimentSettings,
    train: Sequence[reviews.Review],
    held: Sequence[reviews.Review],
) -> Prepared:
    """With whom each text speaks of, and the same texts of the other group."""
    tokenizer, spec, task = prepared.tokenizer, settings.train, settings.task
    assert tokenizer is not None
    judged = held[: len(prepared.examples)]
    twins, known = [reviews.twin(one.text) for one in judged], {one.text for one in train}
    ids = [tokenizer.encode(text) for text in twins]
    labels = np.array([one.label for one in judged], np.int32)
    sides = {"inputs": Sequences(ids, spec.sequence_length)}
    split = validation(sides, task.judging(spec, len(judged)), labels, "twins")
    biased: dict[str, str | int | float] = {
        name: value
        for name, value, usual in (
            ("bias", task.bias, 0),
            ("share", task.share, 0.5),
            ("mitigation", task.mitigation, ""),
        )
        if value != usual
    }
    return replace(
        prepared,
        arrays={**prepared.arrays, **split.arrays},
        splits={**prepared.splits, "twins": split.cuts},
        about={**prepared.about, **biased},
        examples=[
            Example(text, wanted, one.about)
            for (text, wanted, _), one in zip(prepared.examples, judged, strict=True)
        ],
        twins=[text not in known for text in twins],
        biased=[one.biased for one in judged] if task.bias else (),
        # Of labels that are shuffled there is no rule to be learnt.
        best_learner={} if task.shuffled else best_learner(train, judged, task),
    )
