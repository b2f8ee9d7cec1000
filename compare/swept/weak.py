"""Weak scaling: as many rows for each rank, whatever the number of ranks.

The batch grows with the ranks, so N ranks train another experiment than one process does: each has
a point of a sweep, where N ranks are held against one process at the same batch, and rates are
compared between points, which share no windows.
"""

from collections.abc import Iterable, Iterator, Sequence

from pydantic import BaseModel

from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.records.values import Estimate, labelled
from compare.stats.intervals import independent_ratio
from compare.swept.places import machine_of


class WeakScaling(BaseModel):
    """The rate of `ranks` with a batch of their own over as many times that of one process with its
    own: 1 where nothing is lost. Empty `doubt` where both rates can be relied on."""

    backend: str
    mode: str
    ranks: int
    efficiency: Estimate
    doubt: str = ""

    @property
    def label(self) -> str:
        return labelled(self.backend, self.mode, self.ranks)


def weak_scalings(points: Iterable[tuple[Sequence[int], Summary]]) -> list[WeakScaling]:
    """Of points whose batch grew with the largest of these numbers of ranks; within one machine
    alone."""
    by_ranks = {max(ranks): summary for ranks, summary in points if ranks}
    alone = by_ranks.get(1)
    if alone is None:
        return []
    return [
        one
        for ranks, summary in by_ranks.items()
        if ranks > 1 and machine_of(summary) == machine_of(alone)
        for one in _of_point(ranks, summary, alone)
    ]


def _of_point(ranks: int, summary: Summary, alone: Summary) -> Iterator[WeakScaling]:
    single = {(cell.backend, cell.mode): cell for cell in alone.cells}
    for cell in summary.cells:
        base = single.get((cell.backend, cell.mode))
        if cell.ranks != ranks or base is None or {cell.status, base.status} != {"ok"}:
            continue  # what trained something else has no efficiency
        if cell.tokens_per_second and base.tokens_per_second:
            yield WeakScaling(
                backend=cell.backend,
                mode=cell.mode,
                ranks=ranks,
                efficiency=_efficiency(cell.tokens_per_second, base.tokens_per_second, ranks),
                doubt=_doubt(cell, base),
            )


def _efficiency(several: Estimate, alone: Estimate, ranks: int) -> Estimate:
    value, low, high = independent_ratio(several.interval(), alone.interval())
    ends = (None if end is None else end / ranks for end in (low, high))
    return Estimate(value=value / ranks, low=next(ends), high=next(ends))


def _doubt(several: CellSummary, alone: CellSummary) -> str:
    doubts = [f"{cell.label}: {cell.doubt}" for cell in (alone, several) if cell.doubt]
    return "; ".join(doubts)
