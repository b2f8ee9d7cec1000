"""What a cause of a failed conformance check says of itself, and which are likely."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from compare.conformance.bench import Check
from compare.conformance.finding import Finding

SHOWN = 3
CONSTANT, ARITHMETIC = 1e-8, 1e-6
"""In float64, a deviation below the first is as a rule one constant that was rounded to float32,
and below the second arithmetic in float32; above it a formula is wrong."""


@dataclass(frozen=True)
class Cause:
    """What may be wrong, and where it shows."""

    text: str
    kinds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    problems: tuple[str, ...] = ("value", "order", "not finite")
    above: float = 0.0
    below: float = inf
    parameters: str = ""  # all that are wrong match it
    factor: float | None = None  # all are multiplied by it; nan for any other than 0

    def fits(self, check: Check, needed: frozenset[str], finding: Finding) -> bool:
        size = inf if finding.deviation is None else finding.deviation
        return (
            (not self.kinds or check.kind in self.kinds)
            and needed.issuperset(self.needs)
            and finding.problem in self.problems
            and self.above <= size
            and (size < self.below or self.below == inf)
            and self._names(finding)
            and self._multiplies(finding)
        )

    def _names(self, finding: Finding) -> bool:
        if not self.parameters:
            return True
        pattern = re.compile(self.parameters)
        return bool(finding.parameters) and all(map(pattern.search, finding.parameters))

    def _multiplies(self, finding: Finding) -> bool:
        if self.factor is None:
            return True
        if finding.factor is None:
            return False
        return finding.factor != 0 if self.factor != self.factor else finding.factor == self.factor


def likely_causes(
    usual: Sequence[Cause], check: Check, needed: frozenset[str], finding: Finding,
    proven: frozenset[str],
) -> list[str]:  # fmt: skip
    """Of the usual causes at most `SHOWN`, the likeliest first. `proven` is what checks of the same
    kind need that passed, and what lies there comes last: what may be anywhere, where all is proven
    by itself."""
    fitting = [cause for cause in usual if cause.fits(check, needed, finding)]
    tiny = finding.deviation is not None and finding.deviation < CONSTANT
    shown = [c for c in fitting if c.below < inf or not tiny]  # a wrong formula is further off
    fitting = shown or fitting
    fitting.sort(key=lambda cause: proven.issuperset(cause.needs or needed))
    return [cause.text for cause in fitting][:SHOWN]
