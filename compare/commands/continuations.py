"""`compare fair --words`: whom language models speak of when they go on by themselves."""

import json as json_module
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from compare.commands.generate import tokenizer_of
from compare.commands.options import command_line
from compare.commands.tables import print_fitting, say, tell_missing
from compare.errors import UserError
from compare.fairness.continuations import (
    LEAST_TEXTS,
    Continuations,
    Counts,
    Words,
    associations_of,
    share_of,
)
from compare.findings.number_text import NOTHING, estimate
from compare.planning.choice import Choice
from compare.planning.kept import kept_weights
from compare.records.record_types import Header
from compare.records.run_folder import RunFolder
from compare.running.generation import generating
from compare.running.jobs import plan_to_ask
from compare.running.progress import Silent
from compare.text.tokens import Tokenizer
from compare.worker.process import CellEnded

_AT_ONCE = 64  # as many for every question, since frameworks compile for a shape
_LINE_END = "\n"


def continuations_of_run(
    folder: RunFolder,
    header: Header,
    path: Path,
    choices: Sequence[Choice],
    texts: int,
    tokens: int,
    progress: Silent,
) -> tuple[list[Continuations], dict[str, str]]:
    """What the texts that every backend with weights draws speak of, by the words of a file; and
    of those that cannot tell, why."""
    words, tokenizer = Words.read(path), tokenizer_of(folder)
    if tokenizer.decode(tokenizer.encode(_LINE_END)) != _LINE_END:
        raise UserError(f"--words draws lines, and '{folder.path}' was trained on text without any")
    progress.begin("reading the corpus")
    corpus = Counts.of(_corpus(folder, header, tokenizer, choices, tokens, progress), words)
    found, missing = list[Continuations](), dict[str, str]()
    for number, choice in enumerate(choices):
        progress.count(f"{choice.cell.label} draws texts", number, len(choices))
        try:
            drawn = _drawn(folder, header, choice, tokenizer, texts, tokens)
        except CellEnded as end:
            missing[choice.cell.label] = end.reason
            continue
        counts = Counts.of(drawn, words)
        share, corpus_share = share_of(counts, corpus)
        first, second = counts.alone().sum(-1).tolist()
        found.append(
            Continuations(
                backend=choice.cell.backend, mode=choice.cell.mode,
                first=words.groups[0], second=words.groups[1],
                texts=texts, of_groups=(first, second),
                share=share, corpus_share=corpus_share,
                associations=associations_of(counts, corpus, words),
            )
        )  # fmt: skip
    if not found:
        whys = "; ".join(f"{label}: {why}" for label, why in missing.items())
        raise UserError(f"no backend of '{folder.path}' can draw texts: {whys}")
    return found, missing


def _corpus(
    folder: RunFolder,
    header: Header,
    tokenizer: Tokenizer,
    choices: Sequence[Choice],
    tokens: int,
    progress: Silent,
) -> list[str]:
    """The lines that the run was trained on, cut as texts are that are drawn."""
    plan = plan_to_ask(folder, header, command_line(), progress, list(choices))
    train = plan.prepared.arrays[plan.experiment.splits["train"]["inputs"].array]
    lines = tokenizer.decode(train.tolist()).split(_LINE_END)
    return [tokenizer.decode(tokenizer.encode(line)[:tokens]) for line in lines if line.strip()]


def _drawn(
    folder: RunFolder,
    header: Header,
    choice: Choice,
    tokenizer: Tokenizer,
    texts: int,
    tokens: int,
) -> list[str]:
    """Texts that begin after a line's end, up to the next one."""
    prompt = tokenizer.encode(_LINE_END).tolist()
    asked = {"tokens": tokens, "temperature": 1.0, "top_k": None}
    found = list[str]()
    with generating(header, choice, kept_weights(folder, choice.cell)) as generate:
        for seed in range(-(-texts // _AT_ONCE)):
            drawn = generate(prompt=prompt, texts=_AT_ONCE, seed=seed, **asked)
            found += [tokenizer.decode(ids).partition(_LINE_END)[0] for ids in drawn]
    return found[:texts]


def print_continuations(
    found: Sequence[Continuations], missing: Mapping[str, str], json: bool
) -> None:
    if json:
        print(json_module.dumps([one.model_dump(mode="json") for one in found], indent=2))
    else:
        _print(found)
        for sentence in _words(found):
            say(sentence)
    tell_missing(missing, json)


def _print(found: Sequence[Continuations]) -> None:
    first = found[0]
    titles = ["", f"share of '{first.first}'", *(f"'{one.kind}'" for one in first.associations)]
    gaps = [_number(one.corpus_gap, "{:+.2f}") for one in first.associations]
    rows = [["the corpus", _number(first.corpus_share, "{:.3f}"), *gaps]]
    for one in found:
        gaps = [estimate(each.gap, "{:+.2f}") for each in one.associations]
        rows.append([f"{one.backend}:{one.mode}", estimate(one.share, "{:.3f}"), *gaps])
    print_fitting(titles, rows, [""] * len(rows))


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else form.format(value)


def _words(found: Sequence[Continuations]) -> Iterator[str]:
    first = found[0]
    yield (
        f"Of {first.texts:,} texts that each backend drew by itself, the share of words of"
        f" '{first.first}' among those of both groups, beside the same of its corpus; 95% intervals"
        " over texts."
    )
    if first.associations:
        yield (
            f"Then, of each kind, how many more of 100 words are such in texts of '{first.first}'"
            f" alone than in those of '{first.second}' alone."
        )
    yield "A model that is right has its corpus's figures, which need not be equal ones."
    if first.corpus_share is None:
        yield "note: the corpus has no word of either group: is the file of another language?"
    for one in found:
        if min(one.of_groups) < LEAST_TEXTS and one.associations:
            yield (
                f"note: {one.backend}:{one.mode} speaks of one group alone in {one.of_groups[0]:,}"
                f" and {one.of_groups[1]:,} texts: {LEAST_TEXTS} of each are needed to tell what is"
                " said of them."
            )
        if one.share is None:
            yield f"note: no text of {one.backend}:{one.mode} has a word of either group."
