"""How the figures of one column are written: all in one unit and to one place, so that they can be
held against each other by eye; never as a power of ten, and a dash for none."""

import math
from collections.abc import Callable, Sequence

from compare.findings.number_text import NOTHING, with_interval
from compare.records.values import Estimate

Values = Sequence[float | None]
Form = Callable[[Values], list[str]]
"""Writes all figures of a column at once"""
Units = Sequence[tuple[float, str]]
"""From the largest on"""

_SECONDS: Units = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_BYTES: Units = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_FLOP: Units = ((1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP"), (1e3, "kFLOP"))
_NUMBER: Units = ((1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_FAR_APART = 1000.0  # from here on, no number of decimals suits the smallest and the largest


def plain(values: Values, digits: int = 3, decimals: int = 0, most: int | None = None) -> list[str]:
    """To so many digits of the smallest, or each of its own where they are far apart; to so many
    decimals at least. With `most` decimals given, to one place however far they are apart."""
    sizes = [abs(v) for v in values if v and math.isfinite(v)]
    is_one_place = bool(sizes) and (most is not None or max(sizes) < _FAR_APART * min(sizes))
    same = max(decimals, _places(min(sizes), digits)) if is_one_place else decimals
    same = same if most is None else min(same, most)
    texts = []
    for value in values:
        if value is None:
            texts.append(NOTHING)
        elif is_one_place or not value or not math.isfinite(value):
            texts.append(f"{value:,.{same}f}")
        else:
            texts.append(f"{value:,.{max(decimals, _places(abs(value), digits))}f}")
    return texts


def fixed(form: str) -> Form:
    """Each by one format, such as "{:.4f}"."""
    return lambda values: [NOTHING if v is None else form.format(v) for v in values]


def step(values: Values) -> list[str]:
    """Seconds of a step as s, ms or µs."""
    return _in_one_unit(values, _SECONDS, 3)


def duration(values: Values) -> list[str]:
    """The same of what takes longer, and varies more from run to run."""
    return _in_one_unit(values, _SECONDS, 2, most=2)


def memory(values: Values) -> list[str]:
    """Bytes as kB, MB or GB (powers of ten)."""
    return _in_one_unit(values, _BYTES, 2)


def flop(values: Values) -> list[str]:
    """Operations as GFLOP and the like."""
    return _in_one_unit(values, _FLOP, 3)


def short_number(value: float) -> str:
    """A count to two digits: "4.2 M", "810 k"."""
    return _in_one_unit([value], _NUMBER, 2)[0].rstrip()


def percents(shares: Values) -> list[str]:
    """Fractions as per cent, to one decimal or as many as the smallest needs."""
    texts = plain([None if v is None else 100 * v for v in shares], digits=1, decimals=1)
    return [text if text == NOTHING else f"{text}%" for text in texts]


def scores(values: Values) -> list[str]:
    """Metrics: fractions to four decimals, what goes to a hundred to two."""
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    return fixed("{:,.4f}" if largest <= 1 else "{:,.2f}")(values)


def with_ends(found: Sequence[Estimate | None], form: Form) -> list[str]:
    """Figures, and in brackets the ends of their intervals, all of one form."""
    values = [v for one in found if one for v in (one.value, one.low, one.high)]
    texts = iter(form(values))
    return [NOTHING if one is None else _bracketed(next(texts), next(texts), next(texts))
            for one in found]  # fmt: skip


def with_margins(found: Sequence[Estimate | None], form: Form) -> list[str]:
    """Figures with how far their intervals reach to either side, in per cent: "10,314 ±1.2%". All
    are as wide as the widest, so that at the right edge figures stand below figures."""
    values = form([one.value if one else None for one in found])
    margins = [f"±{text}" if text != NOTHING else "" for text in percents(list(map(margin, found)))]
    widest = max(map(len, margins), default=0)
    return [
        value if value == NOTHING else f"{value} {text:>{widest}}" if widest else value
        for value, text in zip(values, margins, strict=True)
    ]


def margin(found: Estimate | None) -> float | None:
    """Half an interval on a log scale, as a fraction of its figure; None where it has no ends."""
    if found is None or not found.low or found.high is None:
        return None
    return math.sqrt(found.high / found.low) - 1


def _bracketed(value: str, low: str, high: str) -> str:
    return value if NOTHING in (low, high) else with_interval(value, low, high)


def _in_one_unit(values: Values, units: Units, digits: int, most: int | None = None) -> list[str]:
    """In the unit that the largest has before its point."""
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    known = (unit for unit in units if float(f"{largest / unit[0]:.{digits}g}") >= 1)
    scale, name = next(known, units[-1])
    scaled = [None if v is None else v / scale for v in values]
    texts = plain(scaled, digits, most=most)
    return [text if text == NOTHING else f"{text} {name}" for text in texts]


def _places(size: float, digits: int) -> int:
    """Decimals that write a size to so many digits."""
    return max(0, digits - 1 - math.floor(math.log10(size)))
