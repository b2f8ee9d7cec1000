"""The matrix of all pairs: how many times as fast each backend is as each other."""

from collections.abc import Sequence
from typing import NamedTuple

from compare.findings.number_text import estimate
from compare.findings.speed import Comparison
from compare.findings.summary import Summary
from compare.records.values import Estimate

from ..table import ordered

_MOST = 20  # backends; a larger matrix is for a program, which has it in report.json


class Pair(NamedTuple):
    """How the one of the row stands to that of the column; `kind` is what it is coloured by."""

    ratio: str
    verdict: str
    kind: str
    why: str = ""


class Matrix(NamedTuple):
    """A row of pairs for each label, None where it meets itself or was not compared."""

    labels: Sequence[str]
    rows: Sequence[Sequence[Pair | None]]


def matrix(summary: Summary) -> Matrix | None:
    """Of all that were compared, the fastest first; None where nothing was, or it is too large."""
    found = {(one.first, one.second): one for one in summary.comparisons}
    named = {label for pair in found for label in pair}
    labels = [cell.label for cell in ordered(summary) if cell.label in named]
    if not 2 <= len(labels) <= _MOST:
        return None
    rows = [[_pair(found, row, column) for column in labels] for row in labels]
    return Matrix(labels, rows)


def _pair(found: dict[tuple[str, str], Comparison], row: str, column: str) -> Pair | None:
    if one := found.get((row, column)):
        return _told(one, one.ratio, "faster")
    if one := found.get((column, row)):
        return _told(one, one.ratio.inverse(), "slower")
    return None


def _told(one: Comparison, ratio: Estimate, way: str) -> Pair:
    text = estimate(ratio, "{:.3f}" if 0.5 < ratio.value < 2 else "{:.2f}")
    if one.verdict == "faster":
        return Pair(text, way, way)
    return Pair(text, one.verdict, "open", one.why)
