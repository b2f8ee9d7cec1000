"""How figures are written: each with a unit that keeps three digits, and a dash for none.

Never as a power of ten: "1.77e+03" is for programs.
"""

import math

from compare.records.values import Estimate

NOTHING = "–"
_SECOND = 0.9995  # what rounds to a thousand milliseconds is a second


def seconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.1f} s" if value >= _SECOND else f"{value * 1e3:.3g} ms"


def clock(value: float) -> str:
    """Seconds as a clock shows them: 0:07, 12:40, 1:02:03."""
    minutes, left = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


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


def significant(value: float, digits: int = 3) -> str:
    """To so many digits, those before the point all kept, without zeros at the end."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def count_of(value: float, noun: str) -> str:
    """ "1 CPU", "2 CPUs", "0.8 CPUs"."""
    text = significant(value, 2)
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"


def si(value: float, unit: str) -> str:
    """Three digits with the unit's prefix: "980 kFLOP", "1.77 TFLOP/s"."""
    for prefix in ("", "k", "M", "G", "T"):
        if abs(value) < 999.5:
            return f"{significant(value)} {prefix}{unit}"
        value /= 1000
    return f"{significant(value)} P{unit}"


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
        return plain_zero(form.format(value.value))
    return with_interval(
        *(plain_zero(form.format(one)) for one in (value.value, value.low, value.high))
    )


def plain_zero(text: str) -> str:
    """What is written as -0.000 is zero, and where a sign is asked for +0.000."""
    is_zero = text.startswith("-") and not any(digit in text for digit in "123456789")
    return text.removeprefix("-") if is_zero else text


def with_interval(value: str, low: str, high: str) -> str:
    """A figure with its interval in brackets, of texts."""
    between = " to " if low.startswith(("-", "+")) else "–"  # no dash beside a sign
    return f"{value} ({low}{between}{high})"
