"""The texts of a run that are explained, and what is asked about each."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from compare.contracts.task import Prepared, class_names
from compare.errors import UserError
from compare.explain.subjects import Asking, Subject
from compare.spec.experiment import Experiment
from compare.spec.inputs import Dataset, write_inputs
from compare.text.tokens import UNKNOWN, Tokenizer
from compare.text.words import Normalise, normalised

_MOST_PROMPT = 24
"""Tokens of a language model's validation text that are its prompt"""


class Texts(NamedTuple):
    """`undecided` where the answers that are asked about are those of the first backend;
    `originals` has the text of each example where there is one."""

    asking: Asking
    subjects: list[Subject]
    undecided: bool
    function: str
    originals: dict[int, str]


def texts_of(
    experiment: Experiment,
    prepared: Prepared,
    examples: int,
    only: int | None = None,
    prompt: str | None = None,
) -> Texts:
    """The first `examples` of a task's validation texts, or one of them, or a prompt.

    Raises UserError for a task that kept no tokenizer, and for an example that is not there.
    """
    tokenizer = prepared.tokenizer
    if tokenizer is None:
        raise UserError(f"task '{experiment.task}' has no tokenizer: its texts cannot be shown")
    if experiment.decoding and prompt is not None:
        raise UserError(
            f"--prompt is of language models and classifiers: {experiment.task} needs what is"
            " wanted of a text; choose one of its own by --example"
        )
    if experiment.decoding:
        numbers = _numbers(len(prepared.examples), examples, only)
        return _outputs(experiment, prepared, tokenizer, numbers)
    given = _given(experiment, prepared, tokenizer, examples, only, prompt)
    classifies = experiment.model.classifies()
    width = max(len(ids) for ids, _ in given.values())
    asking = Asking("class" if classifies else "next", width, _nothing(tokenizer))
    names = class_names(experiment.data, classes_of(experiment)) if classifies else []
    two = len(names) == 2
    asked = f"'{names[1]}' rather than '{names[0]}'" if two else ""
    subjects = [
        Subject(
            example, tuple(ids), _shown(tokenizer, ids), token=1 if two else -1,
            instead=0 if two else None, asked=asked,
        )
        for example, (ids, _) in given.items()
    ]  # fmt: skip
    function = {
        True: f"the log-odds of {asked}",
        False: "log p of the likeliest class"
        if classifies
        else "log p of the likeliest next token, less that of the runner-up",
    }[two]
    # What a user types need not follow the rule of the data, nor stand among what was marked.
    originals = {n: text for n, (_, text) in given.items() if text and prompt is None}
    return Texts(asking, subjects, not two, function, originals)


def decided(texts: Texts, choices: Sequence[Sequence[int]], names: Sequence[str]) -> list[Subject]:
    """The subjects, asked about the likeliest answer of some model; a language model's against the
    one that comes next. `names` are the answers' by number."""
    found = []
    for one, (first, second) in zip(texts.subjects, choices, strict=True):
        against = second if texts.asking.reads == "next" else None
        asked = f"'{names[first]}'" + (
            "" if against is None else f" rather than '{names[against]}'"
        )
        found.append(Subject(one.example, one.ids, one.tokens, first, against, asked, one.prefix))
    return found


def classes_of(experiment: Experiment) -> int:
    """How many classes a classifier tells apart: the size of its last parameter, a bias."""
    *_, last = experiment.model.parameters().values()
    return last.shape[-1]


def words_of(tokenizer: Tokenizer, text: str, tokens: int) -> list[int]:
    """Of the first tokens of a text, the number of the word, between spaces, in which each ends."""
    ends = np.cumsum([len(word.encode()) for word in text.split()])
    ends = ends + np.arange(len(ends))  # a space before each but the first
    plain = " ".join(text.split())
    places = np.cumsum(tokenizer.sizes(plain))[:tokens]
    return [int(place) for place in np.minimum(np.searchsorted(ends, places), len(ends) - 1)]


def _given(
    experiment: Experiment,
    prepared: Prepared,
    tokenizer: Tokenizer,
    examples: int,
    only: int | None,
    prompt: str | None,
) -> dict[int, tuple[list[int], str]]:
    """Ids and text of each example."""
    width = experiment.splits["validation"]["inputs"].width
    if prompt is not None:
        ids = tokenizer.encode(_normalised(experiment, prompt))[:width].tolist()
        if not ids:
            raise UserError("--prompt is empty: give it a token to explain")
        return {0: (ids, prompt)}
    if prepared.examples:
        numbers = _numbers(len(prepared.examples), examples, only)
        texts = {number: str(prepared.examples[number].text) for number in numbers}
        encoded = {n: (tokenizer.encode(text)[:width].tolist(), text) for n, text in texts.items()}
        return {n: (ids, text) for n, (ids, text) in encoded.items() if ids}
    rows = _validation_rows(experiment, prepared, examples if only is None else only + 1)
    numbers = _numbers(len(rows), examples, only)
    return {number: (rows[number][: min(width, _MOST_PROMPT)], "") for number in numbers}


def _validation_rows(experiment: Experiment, prepared: Prepared, rows: int) -> list[list[int]]:
    """The first rows of the validation batches."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "inputs")
        write_inputs(folder, experiment, {}, prepared.arrays)
        dataset = Dataset(folder, experiment.splits["validation"])
        batches = min(len(dataset), -(-rows // experiment.train.batch))
        found = [row for i in range(batches) for row in dataset.batch(i)["inputs"].tolist()]
    return found[:rows]


def _outputs(
    experiment: Experiment, prepared: Prepared, tokenizer: Tokenizer, numbers: Sequence[int]
) -> Texts:
    """Of an encoder-decoder every token of what is wanted of these examples, given those before."""
    assert experiment.decoding is not None
    cuts = experiment.splits["validation"]
    source_width, target_width = cuts["source"].width, cuts["inputs"].width
    subjects, originals = list[Subject](), {}
    for number in numbers:
        example = prepared.examples[number]
        source = tokenizer.encode(example.text)[:source_width].tolist()
        target = tokenizer.encode(str(example.wanted))[:target_width].tolist()
        originals[number] = example.text
        for at, token in enumerate(target):
            prefix = (experiment.decoding.begin, *target[:at])
            asked = f"'{_shown(tokenizer, [token])[0]}' as word {at + 1}"
            subjects.append(
                Subject(
                    number, tuple(source), _shown(tokenizer, source), token, None, asked, prefix
                )
            )
    width = max(len(one.ids) for one in subjects)
    longest = max(len(one.prefix) for one in subjects)
    asking = Asking("output", width, _nothing(tokenizer), longest)
    function = "log p of each wanted token, given those before it"
    return Texts(asking, subjects, False, function, originals)


def _numbers(there: int, examples: int, only: int | None) -> list[int]:
    if only is None:
        return list(range(min(there, examples)))
    if only >= there:
        raise UserError(f"--example {only} is not there: they are numbered 0 to {there - 1}")
    return [only]


def _nothing(tokenizer: Tokenizer) -> int:
    return tokenizer.id_of(UNKNOWN) if UNKNOWN in tokenizer.specials else 0


def _shown(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[str, ...]:
    return tuple(tokenizer.decode([index]) or tokenizer.tokens[index] for index in ids)


def _normalised(experiment: Experiment, text: str) -> str:
    form: Normalise = "nfc" if experiment.data.get("normalise") == "nfc" else "none"
    return normalised(text, form)
