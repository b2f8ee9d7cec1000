"""Validation examples side by side: the input, what is wanted, and what each backend made of it."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from compare.findings.summary import Summary

Words = Sequence[tuple[str, bool]]
"""Words in their order, and of each whether it differs from what is wanted."""


class Sample(NamedTuple):
    text: str
    wanted: str
    outputs: Sequence[Words]


class Samples(NamedTuple):
    """`columns` name the backends of each output: all that wrote the same, in every example."""

    columns: Sequence[str]
    rows: Sequence[Sample]


def samples(summary: Summary) -> Samples | None:
    """Of a run whose outputs are texts; None of any other."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for cell in summary.cells:
        if cell.samples and len(cell.samples) == len(summary.examples):
            groups.setdefault(tuple(cell.samples), []).append(cell.label)
    if not groups:
        return None
    rows = [
        Sample(one.text, one.wanted, [_words(one.wanted, texts[i]) for texts in groups])
        for i, one in enumerate(summary.examples)
    ]
    return Samples([", ".join(labels) for labels in groups.values()], rows)


def _words(wanted: str, output: str) -> Words:
    right, found = wanted.split(), output.split()
    same = set[int]()
    for block in SequenceMatcher(None, right, found, autojunk=False).get_matching_blocks():
        same |= set(range(block.b, block.b + block.size))
    return [(word, index not in same) for index, word in enumerate(found)]
