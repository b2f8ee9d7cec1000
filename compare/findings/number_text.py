"""How figures are written: each with a unit that keeps three digits, and a dash for none.

Never as a power of ten: "1.77e+03" is for programs.
"""

import math
from decimal import Decimal

from compare.records.values import Estimate

NOTHING = "–"
_SECOND = 0.9995  # what rounds to a thousand milliseconds is a second


def seconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.1f} s" if value >= _SECOND else f"{digits(value * 1e3)} ms"


def clock(value: float) -> str:
    """Seconds as a clock shows them: 0:07, 12:40, 1:02:03."""
    minutes, left = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def plural(count: int | str, thing: str) -> str:
    """ "1 CPU", "1,200 CPUs" """
    text = f"{count:,}" if isinstance(count, int) else count
    return f"{text} {thing}" if text == "1" else f"{text} {thing}s"


def digits(value: float, count: int = 3) -> str:
    """So many significant digits, never a power of ten; of large numbers all before the point."""
    if abs(value) >= 10 ** (count - 1):
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.{count}g}'):f}"


def si(value: float, unit: str) -> str:
    """Three digits with the unit's prefix: "980 kFLOP", "1.77 TFLOP/s"."""
    for prefix in ("", "k", "M", "G", "T"):
        if abs(value) < 999.5:
            return f"{digits(value)} {prefix}{unit}"
        value /= 1000
    return f"{digits(value)} P{unit}"


def memory(value: float | None) -> str:
    """Bytes as kB, MB or GB (powers of ten)."""
    if value is None:
        return NOTHING
    if value >= 1e9:
        return f"{value / 1e9:.2f} GB"
    return f"{value / 1e6:.0f} MB" if value >= 1e6 else f"{value / 1e3:.0f} kB"


def share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"


def number(value: float | None, form: str) -> str:
    return NOTHING if value is None else form.format(value)


def with_half(value: Estimate | None, form: str) -> str:
    """A figure, and half of its 95% interval as a share of it where there is one."""
    if value is None:
        return NOTHING
    if value.low is None or value.high is None:
        return form.format(value.value)
    return f"{form.format(value.value)} ±{math.sqrt(value.high / value.low) - 1:.1%}"


def estimate(value: Estimate | None, form: str) -> str:
    """A figure, and its 95% interval in brackets where there is one."""
    if value is None:
        return NOTHING
    if value.low is None or value.high is None:
        return form.format(value.value)
    return f"{form.format(value.value)} ({form.format(value.low)}–{form.format(value.high)})"
