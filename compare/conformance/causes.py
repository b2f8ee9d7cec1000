"""Findings of one cause as one: a kernel that is transposed fails two dozen checks."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from compare.conformance.checks import Finding

_FIGURES = re.compile(r"\[[^]]*\]|\([^)]*\)|[-+]?\b\d[\d.e+-]*|\b(nan|inf)\b")


class Cause(NamedTuple):
    """What several checks found alike but for its figures, as the `first` of them told it."""

    first: Finding
    checks: list[str]


def causes(findings: Sequence[Finding]) -> list[Cause]:
    """Findings that failed or were skipped, as far as can be told one for each cause: those whose
    details differ in nothing but figures. In the order of the checks, of which the first to fail
    is nearest to the cause."""
    found: dict[tuple[str, str], Cause] = {}
    for finding in findings:
        if finding.status != "passed":
            key = finding.status, _FIGURES.sub("", finding.detail)
            found.setdefault(key, Cause(finding, [])).checks.append(finding.check)
    return list(found.values())


def in_short(checks: Sequence[str], most: int = 3) -> str:
    """Checks by their kind: "logits: dense, tied head, positions and 4 more; gradients: dense"."""
    kinds: dict[str, list[str]] = {}
    for check in checks:
        kind, _, of = check.partition(": ")
        kinds.setdefault(kind, []).extend([of] if of else [])
    parts = []
    for kind, names in kinds.items():
        more = f" and {len(names) - most} more" if len(names) > most else ""
        parts.append(f"{kind}: {', '.join(names[:most])}{more}" if names else kind)
    return "; ".join(parts)
