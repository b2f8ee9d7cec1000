"""Findings of one cause as one: a kernel that is transposed fails two dozen checks."""

from collections.abc import Sequence
from typing import NamedTuple

from compare.conformance.finding import Finding


class Cause(NamedTuple):
    """What several checks found for one reason, and the `first` of them, which points at it."""

    first: Finding
    checks: list[str]


def causes(findings: Sequence[Finding]) -> list[Cause]:
    """Findings that failed or were skipped, one for each cause as far as can be told, in the order
    of the checks: failures as `explain` has put them together, and what is alike word for word."""
    found: dict[tuple[str, str], Cause] = {}
    by_name: dict[str, Cause] = {}
    for finding in findings:
        if finding.status != "passed" and not finding.explained_by:
            key = finding.status, finding.detail
            cause = found.setdefault(key, Cause(finding, []))
            cause.checks.append(finding.check)
            by_name[finding.check] = cause
    for finding in findings:
        if finding.explained_by:
            by_name[finding.explained_by].checks.append(finding.check)
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
