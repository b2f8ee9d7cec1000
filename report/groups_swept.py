"""Groups over a sweep, in words: what mitigation takes and costs, and by how much seeds move what
examples alone seem to settle."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.findings.number_text import estimate
from compare.findings.summary import Summary
from compare.records.groups import Groups
from compare.records.values import Estimate
from compare.stats.spread import spread_of
from compare.swept.seeds import SEED

from . import mitigations
from .groups import known
from .mitigations import gap_of, order_of_run, played

_RATE, _SIGNED = "{:.3f}", "{:+.3f}"


def sentences(sweep: SweepSummary) -> list[str]:
    """What is found of groups over a mitigation and over seeds, where these were swept."""
    return [*mitigations.sentences(sweep), *_seeds(sweep)]


def _answers_all_alike(groups: Groups) -> bool:
    return bool(groups.rates) and all(one.selection in (0.0, 1.0) for one in groups.rates)


def _seeds(sweep: SweepSummary) -> Iterator[str]:
    """By how much frameworks, rounding and seeds move the difference of groups.

    Frameworks are held against each other seed by seed: each pair's differences have a mean, and
    Student's t interval of it over the seeds.
    """
    if not _seeded(sweep):
        return
    between, rounding = list[float](), list[float]()
    apart: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    by_label: dict[tuple[str, str], list[float]] = defaultdict(list)
    halves, order, alike = list[float](), "", set[str]()
    for point, summary in played(sweep):
        gaps = {cell.label: gap_of(groups) for cell, groups in known(summary)}
        found = {label: gap for label, gap in gaps.items() if gap}
        if not found:
            continue
        between.append(_spread([gap.value for gap in found.values()]))
        rounding += _rounding(summary, found)
        for one, other in combinations(found, 2):
            apart[one, other, _others(point)].append(found[one].value - found[other].value)
        order = order or order_of_run(summary)
        for label, gap in found.items():
            by_label[_others(point), label].append(gap.value)
            halves += [half for half in _half(gap) if half]  # of none that answers all alike
        alike |= {cell.label for cell, groups in known(summary) if _answers_all_alike(groups)}
    seeds = [_spread(values) for values in by_label.values() if len(values) > 1]
    if not seeds:
        return
    parts = [f"seeds by up to {_RATE.format(max(seeds))}"]
    if rounding:
        parts.insert(0, f"rounding alone by up to {_RATE.format(max(rounding))}")
    if any(len(known(summary)) > 1 for _, summary in played(sweep)):
        parts.insert(0, f"frameworks by up to {_RATE.format(max(between))}")
        if alike:
            yield (
                f"Not judged: at some seed {_listed(sorted(alike))} gave every text the same"
                " answer, which treats groups alike and is no merit."
            )
        else:
            yield _verdict(apart, max(rounding, default=0.0))
    yield f"Selection{order} is moved by {_listed(parts)}."
    if halves:
        yield (
            f"The examples of one training leave ±{_RATE.format(fmean(halves))}, which is another"
            " thing, and not mixed with these."
        )


def _verdict(apart: Mapping[tuple[str, str, str], Sequence[float]], rounding: float) -> str:
    """Of pairs of frameworks at the same settings, by their differences at each seed."""
    found = {pair: spread_of(values) for pair, values in apart.items()}
    told = {pair: Estimate.of(spread.mean) for pair, spread in found.items() if spread}
    sure = {
        pair: mean
        for pair, mean in told.items()
        if mean.low is not None and mean.high is not None
        and not mean.low <= 0 <= mean.high
        and abs(mean.value) > rounding
    }  # fmt: skip
    if not told:
        return "Too few seeds tell whether frameworks differ in that."
    if not sure:
        return "These seeds tell no two frameworks apart in that, beyond what rounding alone does."
    (one, other, at), mean = max(sure.items(), key=lambda item: abs(item[1].value))
    return (
        f"{one} less {other} is {estimate(mean, _SIGNED)}{f' at {at}' if at else ''} over"
        f" {len(apart[one, other, at])} seeds, more than rounding alone moves it."
    )


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _seeded(sweep: SweepSummary) -> bool:
    return len(sweep.axes.get(SEED, ())) > 1


def _others(point: SweptPoint) -> str:
    """What else than the seed was swept there."""
    values: dict[str, Any] = {f: value for f, value in point.values.items() if f != SEED}
    return ", ".join(map(str, values.values()))


def _rounding(summary: Summary, gaps: dict[str, Estimate]) -> list[float]:
    """How far the echo is from the backend that it is of."""
    echo = gap_of(summary.echo_groups) if summary.echo_groups else None
    if echo is None or summary.echo_of not in gaps:
        return []
    return [abs(echo.value - gaps[summary.echo_of].value)]


def _half(figure: Estimate) -> list[float]:
    if figure.low is None or figure.high is None:
        return []
    return [(figure.high - figure.low) / 2]


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)
