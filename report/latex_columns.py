"""The five columns of a paper's table, as numbers that siunitx aligns at the point."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING
from compare.findings.summary import Summary
from compare.records.values import Estimate

from . import forms, table, verdict
from .latex_text import escaped

LEFT_OUT = ("against fastest", "step", "peak mem")
"""Titles of what these columns have all of; rate and ratio stand in the second table again, with
the ends of their intervals"""
_NUMBER_FORM = "detect-weight=true,group-separator={,},group-minimum-digits=4"


class _Numbers(NamedTuple):
    """A column: its heading in two lines, a number for each row such as "10291(127)", empty where
    there is none, and which are printed bold."""

    heading: str
    unit: str
    texts: list[str]
    bold: set[int]


def tabular(summary: Summary) -> list[str]:
    """Backends, rates, ratios to the fastest, steps and memory, with uncertainties in brackets:
    half of a 95% interval, in units of the last digit. The best is bold, and so is what is not
    separated from it."""
    cells = table.ordered(summary)
    columns = _columns(summary, cells)
    formats = "".join(f"S[table-format={_format(column.texts)}]" for column in columns)
    return [
        rf"\sisetup{{{_NUMBER_FORM}}}%",
        rf"\begin{{tabular}}{{@{{}}l{formats}@{{}}}}",
        r"  \toprule",
        _line(["Backend", *(f"{{{column.heading}}}" for column in columns)]),
        _line(["", *(f"{{{column.unit}}}" if column.unit else "" for column in columns)]),
        r"  \midrule",
        *(
            _line([escaped(cell.label), *(_cell(column, i) for column in columns)])
            for i, cell in enumerate(cells)
        ),
        r"  \bottomrule",
        r"\end{tabular}%",
    ]


def _columns(summary: Summary, cells: Sequence[CellSummary]) -> list[_Numbers]:
    fastest = verdict.reference(summary)
    first = {index for index, cell in enumerate(cells) if _is_first(summary, cell.label, fastest)}
    held = [c.peak_memory_bytes if c.status == "ok" else None for c in cells]
    least = min((size for size in held if size), default=None)
    is_alone = sum(size is not None for size in held) < 2
    rates = [cell.tokens_per_second for cell in cells]
    ratios = [cell.ratio_to_fastest for cell in cells]
    memory = forms.memory([cell.peak_memory_bytes for cell in cells])
    return [
        _Numbers("Tokens/s", "", _with_uncertainty(rates, forms.plain), first),
        _Numbers("Of fastest", "", _with_uncertainty(ratios, forms.fixed("{:.3f}")), first),
        _without_unit("Step", forms.step([cell.step_seconds for cell in cells]), first),
        _without_unit(
            "Memory", memory, {i for i, size in enumerate(held) if size == least and not is_alone}
        ),
    ]


def _is_first(summary: Summary, label: str, fastest: str) -> bool:
    return bool(fastest) and verdict.standing(summary, label, fastest).verdict in (
        "itself",
        "not separated",
    )


def _with_uncertainty(found: Sequence[Estimate | None], form: forms.Form) -> list[str]:
    """Such as "10291(127)": half of an interval, in units of the last digit."""
    numbers = []
    texts = form([one.value if one else None for one in found])
    for one, text in zip(found, texts, strict=True):
        plain = text.replace(",", "")
        places = len(plain.partition(".")[2])
        if one is None:
            numbers.append("")
        elif one.low is None or one.high is None or one.low == one.high:
            numbers.append(plain)
        else:
            numbers.append(f"{plain}({math.ceil((one.high - one.low) / 2 * 10**places)})")
    return numbers


def _without_unit(heading: str, texts: Sequence[str], bold: set[int]) -> _Numbers:
    """The unit, which all of a column share, stands in its heading."""
    parts = [text.replace(",", "").partition(" ") for text in texts]
    units = [unit for _, _, unit in parts if unit]
    numbers = ["" if number == NOTHING else number for number, _, _ in parts]
    unit = units[0].replace("µ", r"\textmu{}") if units else ""
    return _Numbers(heading, f"({unit})" if unit else "", numbers, bold)


def _format(texts: Sequence[str]) -> str:
    """Digits before and behind the point, and of the uncertainty, that the widest take."""
    parts = [text.rstrip(")").partition("(") for text in texts if text] or [("0", "", "")]
    numbers = [number.partition(".") for number, _, _ in parts]
    before = max(len(number[0]) for number in numbers)
    behind = max(len(number[2]) for number in numbers)
    uncertain = max(len(digits) for _, _, digits in parts)
    return f"{before}.{behind}" + (f"({uncertain})" if uncertain else "")


def _cell(column: _Numbers, index: int) -> str:
    text = column.texts[index]
    if not text:
        return "{--}"
    return rf"\bfseries {text}" if index in column.bold else text


def _line(texts: Sequence[str]) -> str:
    return f"  {' & '.join(texts)} \\\\"
