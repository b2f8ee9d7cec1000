"""How far what an adapter computed is from what was expected, and in which way."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from compare.spec.arrays import Array, Weights

Problem = Literal["value", "shape", "order", "missing", "unknown", "not finite", "other"]
"""`order`: the right numbers at other places; `unknown`: a parameter that the model has not."""

_SAME_FACTOR = 1e-4  # of its distance from 1, by which a factor may differ from place to place


@dataclass(frozen=True)
class Deviation:
    """`size` is the largest difference as a share of the largest value, of all that was compared;
    `factor` what every value, or every change of one, is multiplied by, where it is the same;
    `parameters` which are wrong."""

    problem: Problem = "other"
    size: float | None = None
    factor: float | None = None
    parameters: tuple[str, ...] = ()


class Wrong(Exception):
    """A check failed: what, where, expected and found."""

    def __init__(self, text: str, deviation: Deviation | None = None) -> None:
        super().__init__(text)
        self.deviation = deviation or Deviation()


def same_all(
    found: Weights,
    expected: Weights,
    what: str,
    tolerance: float,
    before: Weights | None = None,
) -> None:
    """Raise Wrong unless all parameters are there and the same, telling the first that is not.

    `before` are their values a step ago: a factor is then one of the changes.
    """
    for name in expected:
        if name not in found:
            raise Wrong(f"{what}: {name} is missing", Deviation("missing", parameters=(name,)))
    for name in found:
        if name not in expected:
            problem = Deviation("unknown", parameters=(name,))
            raise Wrong(f"{what}: {name} is not a parameter of the model", problem)
    wrong: dict[str, Wrong] = {}
    for name in expected:
        start = before[name] if before else 0.0
        try:
            same(found[name], expected[name], f"{what}: {name}", tolerance, start)
        except Wrong as one:
            wrong[name] = one
    if not wrong:
        return
    first = next(iter(wrong.values()))
    all_of_them = [one.deviation for one in wrong.values()]
    sizes = [one.size for one in all_of_them if one.size is not None]
    factors = [one.factor for one in all_of_them if one.factor is not None]
    alike = len(factors) == len(wrong) and np.ptp(factors) <= _SAME_FACTOR * abs(factors[0] - 1)
    more = f" (in {len(wrong)} of {len(expected)} parameters)" if len(expected) > 1 else ""
    raise Wrong(
        f"{first}{more}",
        Deviation(
            first.deviation.problem,
            max(sizes, default=None),
            factors[0] if alike else None,
            tuple(wrong),
        ),
    )


def same(
    found: Any, expected: Any, what: str, tolerance: float, before: Array | float = 0.0
) -> None:
    """Raise Wrong unless shape and values are the same, differences taken as shares of the largest
    expected value."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        text = f"{what}: found shape {found.shape}, expected {expected.shape}"
        raise Wrong(text, Deviation("shape"))
    scale = np.abs(expected).max() or 1.0
    with np.errstate(invalid="ignore"):
        off = np.abs(found - expected) / scale
    off = np.where(np.isfinite(found), off, np.inf)
    size = float(off.max())
    if size <= tolerance:
        return
    at = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape))
    text = f"{what} at {list(at)}: {_apart(float(found[at]), float(expected[at]))}"
    if not np.isfinite(size):
        raise Wrong(text, Deviation("not finite"))
    factor = _factor(found - before, expected - before)
    text += f", off by {size:.1e} of the largest value"
    if factor is not None:
        of = "change" if np.ndim(before) else "value"
        text += f": every {of} is {_digits(factor)} times what it should be"
    moved = np.abs(np.sort(found, axis=None) - np.sort(expected, axis=None)).max()
    is_moved = found.size > 1 and moved <= max(tolerance, 1e-15) * scale
    raise Wrong(text, Deviation("order" if is_moved else "value", size, factor))


def _factor(found: Array, expected: Array) -> float | None:
    """By which all values are too large, where it is the same for all that are not near 0."""
    counts = np.abs(expected) > 1e-3 * np.abs(expected).max()
    if counts.sum() < 3:
        return None
    ratios = found[counts] / expected[counts]
    middle = float(np.median(ratios))
    if middle == 1 or np.ptp(ratios) > _SAME_FACTOR * abs(middle - 1):
        return None
    return middle


def _apart(found: float, expected: float) -> str:
    """Both numbers, with digits enough to see the difference."""
    digits = next((n for n in range(6, 17) if f"{found:.{n}g}" != f"{expected:.{n}g}"), 16) + 1
    return f"found {found:.{digits}g}, expected {expected:.{digits}g}"


def _digits(factor: float) -> str:
    """A factor, such as 5 or 1.0000000238, with what it differs from 1 by."""
    after = max(3, 2 - int(np.floor(np.log10(abs(factor - 1)))))
    return f"{factor:.{after + 1}g}"
