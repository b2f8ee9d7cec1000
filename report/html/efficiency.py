"""Do more processes pay? The efficiency of ranks over their number, with intervals."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from compare.archive.scaling import SweepSummary
from compare.findings.number_text import estimate
from compare.findings.summary import Summary
from compare.records.values import Estimate

from .curves import Axis, Curves, spec
from .figures import Figure, listed
from .intervals import Measured, layer

_ALONE = Estimate(value=1.0, low=None, high=None)  # one process, by definition


class _Found(NamedTuple):
    label: str
    ranks: int
    efficiency: Estimate
    doubt: str = ""


def strong(summary: Summary) -> Figure | None:
    """Of a run: the batch is shared out."""
    found = [
        _Found(f"{cell.backend}:{cell.mode}", cell.ranks, cell.scaling_efficiency, cell.doubt)
        for cell in summary.cells
        if cell.scaling_efficiency
    ]
    how = "One batch is shared out among the processes (strong scaling)."
    return _figure("efficiency", found, how)


def weak(sweep: SweepSummary) -> Figure | None:
    """Of a sweep: each process has a batch of its own."""
    found = [_Found(f"{o.backend}:{o.mode}", o.ranks, o.efficiency, o.doubt) for o in sweep.weak]
    how = "Each process has a batch of its own (weak scaling)."
    return _figure("weak-scaling", found, how)


def _figure(name: str, found: list[_Found], how: str) -> Figure | None:
    if not found:
        return None
    series, xs = _distinct(o.label for o in found), sorted({1, *(o.ranks for o in found)})
    every = [*(_Found(label, 1, _ALONE) for label in series), *found]
    by_place = {(one.label, one.ranks): one.efficiency for one in every}
    ys = np.full((len(series), len(xs)), np.nan)
    for (label, ranks), one in by_place.items():
        ys[series.index(label), xs.index(ranks)] = one.value
    bars = layer([Measured(o.ranks, o.label, o.efficiency) for o in found], series, "quantitative")
    told = [f"{o.label} x{o.ranks} {estimate(o.efficiency, '{:.3f}')}" for o in found]
    doubted = [f"{o.label} x{o.ranks}" for o in found if o.doubt]
    y = Axis("efficiency", ".3f", ".2f", zero=True)
    return Figure(
        name,
        spec(Curves(series, xs, ys), Axis("processes", "d", "d"), y, series, bars, height=260),
        "Efficiency: the rate of N processes over N times that of one. 1 is nothing lost. "
        + how
        + (" A bar is an interval of 95%." if bars else "")
        + (f" Not to be relied on: {listed(doubted)}." if doubted else ""),
        f"Efficiency: {listed(told)}.",
        series,
    )


def _distinct(labels: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(labels))
