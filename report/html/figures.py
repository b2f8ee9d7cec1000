"""A plot with what it shows in words: its caption and its text alternative."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from compare.findings.summary import Summary

from .curves import Spec

_MOST_NAMED = 8  # in a text alternative


class Figure(NamedTuple):
    """`alt` carries the main result to those who do not see the plot; `series` are the labels
    that a legend lists, none where the axis names them; one that `zooms` has `zoom` bound."""

    name: str
    spec: Spec
    caption: str
    alt: str
    series: Sequence[str] = ()
    zooms: bool = False


def labels(summary: Summary) -> list[str]:
    return [cell.label for cell in summary.cells]


def listed(texts: Sequence[str]) -> str:
    """The first ones, and how many more there are."""
    more = len(texts) - _MOST_NAMED
    return ", ".join(islice(texts, _MOST_NAMED)) + (f" and {more} more" if more > 0 else "")
