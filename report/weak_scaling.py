"""Weak scaling in words: what is lost where every rank has a batch of its own."""

from compare.archive.scaling import SweepSummary
from compare.findings.number_text import estimate


def sentences(sweep: SweepSummary) -> list[str]:
    """A sentence for each backend and number of ranks; nothing of other sweeps."""
    if not any(point.ranks for point in sweep.points):
        return []
    if not sweep.weak:
        return ["Weak scaling is not known: it takes one process and several, on one machine."]
    found = [
        f"{one.label} does {estimate(one.efficiency, '{:.3f}')} of {one.ranks} times what one"
        " process does with its own batch" + (" (not judged)" if one.doubt else "")
        for one in sweep.weak
    ]
    batches = dict.fromkeys(next(iter(point.values.values())) for point in sweep.points)
    return [
        f"Weak scaling, batches of {', '.join(map(str, batches))}: {'; '.join(found)}. The points"
        " share no windows, so these intervals are wider than those of rows of one run."
    ]
