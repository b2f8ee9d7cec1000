"""Groups over a sweep, in words and as tables: what mitigation costs and for whom, and by how much
seeds move what examples alone seem to settle."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any, NamedTuple

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.findings.number_text import NOTHING, estimate
from compare.findings.summary import Summary
from compare.records.groups import Groups
from compare.records.values import Estimate
from compare.stats.spread import spread_of
from compare.swept.seeds import SEED

from .groups import known, span
from .table import Table

MITIGATION = "task.mitigation"
_RATE, _SIGNED = "{:.3f}", "{:+.3f}"


class OnFront(NamedTuple):
    """One backend at one point: its values in words, the mitigation apart from the others; how
    groups differ in what they are given, and accuracy by fair labels and by biased ones; `best` is
    what the best learner comes to."""

    at: str
    mitigation: str
    others: str
    label: str
    gap: Estimate
    accuracy: Estimate
    biased: Estimate | None
    best: dict[str, float]


def sentences(sweep: SweepSummary) -> list[str]:
    """What is found of groups over a mitigation and over seeds, where these were swept."""
    return [*_costs(sweep), *_seeds(sweep)]


def gap_of(groups: Groups) -> Estimate | None:
    """Of two groups, how their shares of the positive class differ: in the same texts, where these
    are known."""
    if groups.twins:
        return groups.twins.selection
    return _gap(groups, "selection")


def front(sweep: SweepSummary) -> list[OnFront]:
    """Every backend at every point; nothing where no mitigation was swept."""
    if MITIGATION not in sweep.axes:
        return []
    found = []
    for point, summary in _played(sweep):
        for cell, groups in known(summary):
            gap = gap_of(groups)
            if gap and groups.accuracy:
                at = ", ".join(str(value) for value in point.values.values())
                others = ", ".join(str(v) for f, v in point.values.items() if f != MITIGATION)
                found.append(
                    OnFront(
                        at, str(point.values[MITIGATION]), others, cell.label, gap,
                        groups.accuracy, groups.biased_accuracy, summary.best_learner,
                    )
                )  # fmt: skip
    return found


def front_table(sweep: SweepSummary) -> Table | None:
    """A row per point and backend, each beside what the best learner comes to."""
    rows = [
        [
            one.at,
            one.label,
            estimate(one.gap, _RATE),
            _best(one, "selection"),
            estimate(one.accuracy, _RATE),
            _best(one, "accuracy"),
            estimate(one.biased, _RATE),
            _best(one, "biased_accuracy"),
        ]
        for one in front(sweep)
    ]
    columns = ["point", "backend", "selection difference", "by theory", "accuracy, fair labels",
               "by theory", "accuracy, biased labels", "by theory"]  # fmt: skip
    kept = [i for i in range(len(columns)) if i < 2 or any(row[i] != NOTHING for row in rows)]
    shown = [[row[i] for i in kept] for row in rows]
    return Table([columns[i] for i in kept], shown, left=2) if rows else None


def _seen(before: OnFront, after: OnFront) -> bool:
    """Whether any figure is another one as it is written."""
    pairs = [(before.gap, after.gap), (before.accuracy, after.accuracy)]
    pairs += [(a, b) for a, b in [(before.biased, after.biased)] if a and b]
    return any(_RATE.format(a.value) != _RATE.format(b.value) for a, b in pairs)


def _answers_all_alike(groups: Groups) -> bool:
    return bool(groups.rates) and all(one.selection in (0.0, 1.0) for one in groups.rates)


def _best(one: OnFront, name: str) -> str:
    return _RATE.format(one.best[name]) if name in one.best else NOTHING


def _costs(sweep: SweepSummary) -> Iterator[str]:
    """Each mitigation against the one of no strength, or the first: what it takes, and costs."""
    points: dict[str, list[OnFront]] = defaultdict(list)
    for one in front(sweep):
        points[one.mitigation].append(one)
    if len(points) < 2:
        return
    base = next((at for at in points if at.endswith(":0")), next(iter(points)))
    before = {(one.label, one.others): one for one in points[base]}
    for at, ones in points.items():
        keyed = [((one.label, one.others), one) for one in ones]
        pairs = [(before[key], one) for key, one in keyed if key in before]
        if at == base or not pairs:
            continue
        said = (
            f"{at} against {base}: selection differs by {span([b.gap.value for _, b in pairs])},"
            f" not {span([a.gap.value for a, _ in pairs])}"
        )
        if not any(_seen(a, b) for a, b in pairs):
            yield f"{at} against {base}: none of these figures changes."
            continue
        fair = [b.accuracy.value - a.accuracy.value for a, b in pairs]
        biased = [b.biased.value - a.biased.value for a, b in pairs if a.biased and b.biased]
        if not biased:
            yield f"{said}; accuracy changes by {span(fair, _SIGNED)}."
            continue
        said += (
            f"; accuracy changes by {span(biased, _SIGNED)} on biased labels, the only ones that"
            f" one has in practice, and by {span(fair, _SIGNED)} on fair ones"
        )
        is_gain = max(biased) < 0 < min(fair) and _SIGNED.format(min(fair)) != "+0.000"
        yield said + (
            ": on these texts the cost on biased labels is a gain on fair ones." if is_gain else "."
        )


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
    for point, summary in _played(sweep):
        gaps = {cell.label: gap_of(groups) for cell, groups in known(summary)}
        found = {label: gap for label, gap in gaps.items() if gap}
        if not found:
            continue
        between.append(_spread([gap.value for gap in found.values()]))
        rounding += _rounding(summary, found)
        for one, other in combinations(found, 2):
            apart[one, other, _others(point)].append(found[one].value - found[other].value)
        order = order or _order(summary)
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
    if any(len(known(summary)) > 1 for _, summary in _played(sweep)):
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


def _gap(groups: Groups, rate: str) -> Estimate | None:
    gaps = (gap.gap for gap in groups.gaps if gap.rate == rate and gap.by_chance is None)
    return next(gaps, None)


def _seeded(sweep: SweepSummary) -> bool:
    return len(sweep.axes.get(SEED, ())) > 1


def _played(sweep: SweepSummary) -> Iterator[tuple[SweptPoint, Summary]]:
    return ((point, point.summary) for point in sweep.points if point.summary)


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


def order_of(sweep: SweepSummary) -> str:
    """Such as ", women less men,"; empty where no two groups are compared."""
    return next(filter(None, (_order(summary) for _, summary in _played(sweep))), "")


def _order(summary: Summary) -> str:
    gaps = (gap for _, groups in known(summary) for gap in groups.gaps)
    return next((f", {gap.first} less {gap.second}," for gap in gaps), "")


def _half(figure: Estimate) -> list[float]:
    if figure.low is None or figure.high is None:
        return []
    return [(figure.high - figure.low) / 2]


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)
