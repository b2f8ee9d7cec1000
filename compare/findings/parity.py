"""The gate: do all backends compute the same losses, at every step?

Rounding differs between correct implementations, and training amplifies it step by step. How
far it may drive two curves apart is measured in the same run: the *echo* is one backend
trained again from weights perturbed in their last bit, the rows of every batch in reverse order:
the same training, rounded otherwise at every step. A curve that leaves the others by more
than that envelope (times a margin, over a floor) was computed differently. Where it does so by
little, the echo is trained again from other perturbations, and the widest envelope counts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from compare.records.values import CellName
from compare.spec.training import Precision

# Rounding enters in other places in each framework than in the echo. Honest backends stay within
# 4 envelopes of each other in practice.
MARGIN = 10.0
# A curve beyond what is allowed by less than this factor may be inside of another echo's envelope:
# in seven chaotic trainings of four to six backends no honest pair was beyond it by over 3.1 times.
_IN_DOUBT = 10.0
# Least relative difference that is called one: 40 float32 roundings, 4,500 float64 ones.
FLOOR: dict[Precision, float] = {"fp32": 5e-6, "fp64": 1e-12, "tf32": 1e-4, "bf16": 1e-3}

# The same of the validation loss: a mean, in float64, over many times the tokens of one batch, so
# that in fp32 eight roundings are left; logits rounded to float16 move it by 3e-6. Of fewer bits,
# frameworks round in places of their own, which an echo does not show and no mean takes away.
VALIDATION_FLOOR: dict[Precision, float] = {**FLOOR, "fp32": 1e-6}
_TAIL = 8  # steps at the end of a curve, over which its last differences are averaged
UNTOLD = "which of them is wrong cannot be told"

Curve = Sequence[float]


def relative_difference(a: Curve, b: Curve) -> NDArray[np.float64]:
    """|a - b| / max(|a|, |b|) at each step that both have; infinite where one is not finite."""
    steps = min(len(a), len(b))
    x, y = np.array(a[:steps], np.float64), np.array(b[:steps], np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.abs(x - y) / np.maximum(np.abs(x), np.abs(y))
    found[(x == y)] = 0.0
    found[~(np.isfinite(x) & np.isfinite(y))] = math.inf
    return found


def envelope(original: Curve, echo: Curve, precision: Precision) -> NDArray[np.float64]:
    """Largest relative difference that passes at each step; never falls from step to step."""
    measured = np.maximum.accumulate(relative_difference(original, echo))
    return np.maximum(FLOOR[precision], MARGIN * np.where(np.isfinite(measured), measured, 0.0))


def first_outside(a: Curve, b: Curve, allowed: NDArray[np.float64]) -> int | None:
    """The first step at which two curves differ by more than is allowed; None if none does.

    `allowed` has a value for each step that both curves have.
    """
    difference = relative_difference(a, b)
    outside = np.flatnonzero(difference > allowed[: len(difference)])
    return int(outside[0]) if len(outside) else None


def agreeing(
    curves: Mapping[CellName, Curve], allowed: NDArray[np.float64], oracles: Sequence[CellName] = ()
) -> set[CellName]:
    """The cells whose curves belong together: those that pass the gate.

    They are the largest group in which every pair agrees at every step. An oracle decides
    where there is one: its group is the right one. Where two groups are of one size, nobody
    can say who is wrong, and no curve passes.
    """
    cells = list(curves)
    friends = {
        frozenset(pair)
        for pair in combinations(cells, 2)
        if first_outside(curves[pair[0]], curves[pair[1]], allowed) is None
    }
    for size in range(len(cells), 0, -1):
        groups = [
            set(group)
            for group in combinations(cells, size)
            if all(frozenset(pair) in friends for pair in combinations(group, 2))
            and all(oracle in group for oracle in oracles if oracle in cells)
            and all(_finite(curves[cell]) for cell in group)
        ]
        if groups:
            return groups[0] if len(groups) == 1 else set()
    return set()


@dataclass(frozen=True)
class Verdict:
    """What the gate says of the curves of one run.

    `differences` has each cell's largest relative difference, at each step, to the cells that
    agree (to all others where none do); `allowed` the largest that passes, at each step.
    `reasons` has the cells outside.
    """

    differences: dict[CellName, NDArray[np.float64]]
    allowed: NDArray[np.float64]
    reasons: dict[CellName, str]

    def worst(self, cell: CellName) -> float | None:
        """A cell's largest difference at any step; None where it is infinite or unknown."""
        found = float(self.differences[cell].max()) if cell in self.differences else math.inf
        return found if math.isfinite(found) else None

    def in_doubt(self) -> bool:
        """Whether a curve is outside by so little that one echo's luck may be why."""
        beyond = [self.differences[cell] for cell in self.reasons if cell in self.differences]
        return any(bool(np.all(d < _IN_DOUBT * self.allowed[: len(d)])) for d in beyond)


def judge(
    curves: Mapping[CellName, Curve],
    oracles: Sequence[CellName],
    precision: Precision,
    comparable: bool = True,
    again: Sequence[Curve] = (),
) -> Verdict:
    """Judge curves, of which one may be an echo's; the allowed difference is measured by it, and
    by the curves that it had when it was trained `again`.

    Curves that are not `comparable` are not held against each other: only their finiteness counts.
    """
    rows = {cell: curve for cell, curve in curves.items() if not cell.echo}
    if not comparable:
        reasons = {c: _not_finite(rows[c]) for c in rows if not _finite(rows[c])}
        return Verdict({}, np.empty(0), reasons)
    allowed = np.full(max(map(len, rows.values()), default=0), FLOOR[precision])
    for echo in [cell for cell in curves if cell.echo]:
        original = rows.get(echo.model_copy(update={"echo": False}), ())
        for curve in (curves[echo], *again):
            measured = envelope(original, curve, precision)
            last = max(measured, default=FLOOR[precision])
            behind = len(allowed) - len(measured)  # or gone
            allowed = np.maximum(allowed, np.pad(measured, (0, behind), constant_values=last))
    return held(rows, allowed, oracles)


def held(
    rows: Mapping[CellName, Curve],
    allowed: NDArray[np.float64],
    oracles: Sequence[CellName],
    what: str = "",
) -> Verdict:
    """Curves held against each other; `what` they are of, where it is not a step's loss."""
    together = agreeing(rows, allowed, oracles)
    differences, reasons = {}, {}
    for cell, curve in rows.items():
        others = [rows[other] for other in (together or rows) if other != cell]
        if others:
            differences[cell] = _furthest(curve, others)
        if cell not in together:
            reasons[cell] = _why(curve, others, allowed, bool(together), what)
    return Verdict(differences, allowed, reasons)


def tail(originals: Sequence[Curve], echoes: Sequence[Curve]) -> float | None:
    """How far rounding alone had driven a curve apart at its end: the root mean square over its
    last steps, of the echo that went furthest; None where there is none.

    A validation loss is one number, and two of them may be close by luck where the weights are not.
    """
    found = []
    for original in originals:
        for echo in echoes:
            last = relative_difference(original, echo)[-_TAIL:]
            if len(last) and np.isfinite(last).all():
                found.append(float(np.sqrt(np.mean(last**2))))
    return max(found, default=None)


def validation_allowance(
    pair: Sequence[float | None],
    echo_tail: float | None,
    steps: NDArray[np.float64],
    precision: Precision,
) -> float:
    """Largest relative difference of the validation loss that passes. `pair` is that of the cell
    which the echo repeats, and the echo's; `echo_tail` is what `tail` says of it.

    Where the echo was not evaluated it is what the training loss of the last step may differ by.
    """
    known = [loss for loss in pair if loss is not None and math.isfinite(loss)]
    if len(known) < 2:
        return float(steps[-1]) if len(steps) else FLOOR[precision]
    (measured,) = relative_difference(known[:1], known[1:])
    return max(VALIDATION_FLOOR[precision], MARGIN * max(float(measured), echo_tail or 0.0))


def _furthest(curve: Curve, others: Sequence[Curve]) -> NDArray[np.float64]:
    """The largest difference to any of the others at each step that it shares with one of them."""
    found = [relative_difference(curve, other) for other in others]
    steps = max(map(len, found))
    padded = [np.pad(one, (0, steps - len(one))) for one in found]
    furthest: NDArray[np.float64] = np.maximum.reduce(padded)
    return furthest


def _why(
    curve: Curve,
    others: Sequence[Curve],
    allowed: NDArray[np.float64],
    known: bool,
    what: str,
) -> str:
    if not _finite(curve):
        return f"{what} is not finite" if what else _not_finite(curve)
    steps = [first_outside(curve, other, allowed) for other in others]
    step = min((s for s in steps if s is not None), default=0)
    apart = [relative_difference(curve, other) for other in others]
    furthest = max(float(difference[step]) for difference in apart if step < len(difference))
    limit = allowed[step]
    who = "the others" if known else f"another, and {UNTOLD}"
    where = what or f"at step {step} the loss"
    return f"{where} is {furthest:.1e} away from {who} (allowed: {limit:.1e})"


def _not_finite(curve: Curve) -> str:
    step = int(np.flatnonzero(~np.isfinite(np.array(curve, np.float64)))[0])
    return f"the loss is not finite from step {step} on"


def _finite(curve: Curve) -> bool:
    return bool(np.all(np.isfinite(np.array(curve, np.float64))))
