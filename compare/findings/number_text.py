"""How figures are written: each with a unit that keeps three digits, and a dash for none."""

import math

from compare.records.values import Estimate

NOTHING = "–"


def seconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.1f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


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
