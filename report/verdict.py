"""Who is faster than whom: each row against the fastest, or against one of the reader's choice.

Of n rows that is n - 1 answers. `Summary.comparisons` has every pair.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING
from compare.findings.summary import Summary
from compare.records.values import Estimate

from . import forms

_FIGURES = re.compile(r"[\d.,]*\d")
_TIMES = 2.0  # from here on "2.3 times" says more than "130%"


class Standing(NamedTuple):
    """How a row stands to the one that it is held against, and its rate over that one's."""

    verdict: Literal["itself", "faster", "slower", "not separated", "not judged", "not compared"]
    ratio: Estimate | None = None

    @property
    def is_apart(self) -> bool:
        return self.verdict in ("faster", "slower")


Standings = Mapping[str, Standing]
"""By the label of the row"""


def reference(summary: Summary, baseline: str = "") -> str:
    """The label of the row that all others are held against: the baseline, or else the fastest;
    empty where there is none because no pair can be judged."""
    if baseline:
        return baseline
    if all(one.verdict == "not judged" for one in summary.comparisons):
        return ""
    ratios = {c.label: c.ratio_to_fastest for c in summary.cells if c.ratio_to_fastest}
    return next((label for label, ratio in ratios.items() if ratio.value == 1.0), "")


def standing(summary: Summary, label: str, other: str) -> Standing:
    """How one row stands to another; where there is no other, whether its pairs were judged."""
    if label == other:
        return Standing("itself")
    for one in summary.comparisons:
        if {one.first, one.second} == {label, other}:
            ratio = one.ratio if one.first == label else one.ratio.inverse()
            if one.verdict == "faster":
                return Standing("faster" if one.first == label else "slower", ratio)
            return Standing(one.verdict, ratio)
        if not other and label in (one.first, one.second):
            return Standing("not judged")
    return Standing("not compared")


def in_short(summary: Summary, cells: Sequence[CellSummary], baseline: str = "") -> list[str]:
    """Of each cell how it stands, in two words: "1.8% slower"; all amounts of one form."""
    other = reference(summary, baseline)
    found = [standing(summary, cell.label, other) for cell in cells]
    ratios = [one.ratio.value for one in found if one.is_apart and one.ratio]
    amounts = iter(_amounts(ratios))
    texts = []
    for cell, one in zip(cells, found, strict=True):
        if one.is_apart:
            texts.append(f"{next(amounts)} {one.verdict}")
        elif cell.status != "ok":
            texts.append(cell.status.replace("_", " "))
        elif one.verdict == "itself":
            texts.append("baseline" if baseline else _name_of_first(summary, other))
        elif one.verdict == "not compared" and len(_timed(summary)) < 2:
            texts.append(NOTHING)
        else:
            texts.append(one.verdict if cell.tokens_per_second else NOTHING)
    return texts


def sentences(summary: Summary, baseline: str = "", most: int | None = None) -> list[str]:
    """The verdict; the ties that it does not name; what could not be judged, and why. Of a list
    that is longer, the first `most` are named."""
    other = reference(summary, baseline)
    found = {label: standing(summary, label, other) for label in _timed(summary) if label != other}
    if not any(one.is_apart or one.verdict == "not separated" for one in found.values()):
        return list(_without_a_verdict(summary, baseline))
    if baseline:
        return [_against_baseline(baseline, found, most), *_not_judged(summary, baseline)]
    main = _against_fastest(other, found, most)
    if len(summary.comparisons) > 1 and all(c.verdict == "faster" for c in summary.comparisons):
        main += "; every pair is separated"
    return [f"{main}.", *_ties(summary, other, most), *_not_judged(summary)]


def _against_fastest(first: str, found: Standings, most: int | None) -> str:
    tied = [label for label, one in found.items() if one.verdict == "not separated"]
    behind = _sorted(found, "slower")
    ratios = [ratio.inverse() for label in behind if (ratio := found[label].ratio)]
    in_times = any(ratio.value >= _TIMES for ratio in ratios)
    clauses = [
        f"{_times(ratio)} times as fast as {label}"
        if in_times
        else f"{_percent(ratio.low, ratio.high)} over {label}"
        for label, ratio in zip(behind, ratios, strict=True)
    ]
    by = listed(clauses, most)
    if not tied:
        all_judged = all(one.is_apart for one in found.values())
        of = "" if all_judged else " of those that could be judged"
        return f"{first} is fastest{of}{': ' if in_times else ', by '}{by}"
    main = f"{first} has the highest rate, but is not separated from {listed(tied, most)}"
    return f"{main}; it {'is' if in_times else 'leads by'} {by}" if behind else main


def _against_baseline(base: str, found: Standings, most: int | None) -> str:
    apart = [*_sorted(found, "faster"), *_sorted(found, "slower")]
    ratios = {label: ratio for label in apart if (ratio := found[label].ratio)}
    in_times = any(not 1 / _TIMES < ratio.value < _TIMES for ratio in ratios.values())
    clauses = []
    for label, ratio in ratios.items():
        if in_times:
            clauses.append(f"{label} is {_times(ratio)} times as fast")
        elif found[label].verdict == "faster":
            clauses.append(f"{label} is {_percent(ratio.low, ratio.high)} faster")
        else:
            inverse = ratio.inverse()
            clauses.append(f"{label} is {_percent(inverse.low, inverse.high, slower=True)} slower")
    tied = [label for label, one in found.items() if one.verdict == "not separated"]
    apart_from_it = f"against {base}, {listed(clauses, most)}" if clauses else ""
    not_apart = f"not separated from {base}: {listed(tied, most)}" if tied else ""
    text = "; ".join(part for part in (apart_from_it, not_apart) if part)
    return f"{text[0].upper()}{text[1:]}."


def _without_a_verdict(summary: Summary, baseline: str) -> Iterator[str]:
    timed = _timed(summary)
    status = next((c.status for c in summary.cells if c.label == baseline), "ok")
    if status != "ok":
        yield f"Nothing is compared with {baseline}: its status is {status.replace('_', ' ')}."
    elif summary.comparisons:
        yield from _not_judged(summary, baseline)
    elif len(timed) == 1:
        yield f"{timed[0]} was timed alone: there is nothing to compare it with."
    elif timed:
        yield "No two backends were timed together: there is nothing to compare."
    else:
        yield "Nothing was timed: there is nothing to compare."


def _not_judged(summary: Summary, baseline: str = "") -> Iterator[str]:
    """The reasons, and of which rows; one that holds for all of them needs no names. What differs
    in its figures alone is one reason: those of the first stand for all, as in the notes."""
    mine = [c for c in summary.comparisons if not baseline or baseline in (c.first, c.second)]
    labels: dict[str, dict[str, None]] = {}
    said: dict[str, str] = {}
    for one in mine:
        if one.verdict == "not judged":
            why = said.setdefault(_FIGURES.sub("0", one.why), one.why)
            labels.setdefault(why, {}).update({one.first: None, one.second: None})
    if len(labels) == 1 and all(one.verdict == "not judged" for one in mine):
        yield from (f"Not judged: {why}." for why in labels)
    else:
        yield from (f"Not judged, since {why}: {', '.join(of)}." for why, of in labels.items())


def _ties(summary: Summary, first: str, most: int | None) -> Iterator[str]:
    """Rows behind the first that are not separated from each other: each as large a group as
    there is in the order of their rates, in which no pair is."""
    rates = {c.label: c.tokens_per_second.value for c in summary.cells if c.tokens_per_second}
    order = sorted((label for label in rates if label != first), key=lambda label: -rates[label])
    tied = {
        frozenset((one.first, one.second))
        for one in summary.comparisons
        if one.verdict == "not separated"
    }
    groups, reached = list[str](), 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and all(
            frozenset((order[end], other)) in tied for other in order[start:end]
        ):
            end += 1
        if end > start + 1 and end > reached:
            groups.append(listed(order[start:end], most))
            reached = end
    if groups:
        yield f"Not separated from each other: {'; '.join(groups)}."


def listed(items: Sequence[str], most: int | None = None) -> str:
    """ "a, b and c"; beyond the first `most`, only how many."""
    if most is not None and len(items) > most + 1:
        items = [*items[:most], f"{len(items) - most} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _timed(summary: Summary) -> list[str]:
    return [c.label for c in summary.cells if c.tokens_per_second and c.status == "ok"]


def _sorted(found: Standings, verdict: str) -> list[str]:
    """The labels of this verdict, the fastest first."""
    ratios = {k: one.ratio.value for k, one in found.items() if one.ratio}
    return sorted((k for k in ratios if found[k].verdict == verdict), key=lambda k: -ratios[k])


def _name_of_first(summary: Summary, first: str) -> str:
    others = [label for label in _timed(summary) if label != first]
    is_alone = all(standing(summary, label, first).verdict == "slower" for label in others)
    return "fastest" if is_alone else "highest rate"


def _amounts(ratios: Sequence[float]) -> list[str]:
    if any(not 1 / _TIMES < ratio < _TIMES for ratio in ratios):
        return forms.fixed("{:,.2f}x")([max(ratio, 1 / ratio) for ratio in ratios])
    return forms.percents([abs(ratio - 1) for ratio in ratios])


def _times(ratio: Estimate) -> str:
    ends = [ratio.value] if None in (ratio.low, ratio.high) else [ratio.low, ratio.high]
    return "–".join(forms.fixed("{:,.2f}")(ends))


def _percent(low: float | None, high: float | None, slower: bool = False) -> str:
    """By how much a ratio of more than 1 is, or by how much its inverse is less."""
    ends = [1 - 1 / end if slower else end - 1 for end in (low, high) if end]
    return "–".join(text.rstrip("%") for text in forms.percents(ends)) + "%"
