"""Groups over a sweep, in words and as tables: what mitigation costs and for whom, and by how much
seeds move what examples alone seem to settle."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.findings.number_text import NOTHING, estimate
from compare.findings.summary import Summary
from compare.records.groups import Groups
from compare.records.values import Estimate

from .groups import known, span
from .table import Table

MITIGATION, SEED = "task.mitigation", "train.seed"
_RATE, _SIGNED = "{:.3f}", "{:+.3f}"
_FIGURES = {
    "selection": "selection difference",
    "tpr": "TPR difference",
    "fpr": "FPR difference",
    "same": "selection, same text",
    "accuracy": "accuracy",
}


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
        fair = [b.accuracy.value - a.accuracy.value for a, b in pairs]
        biased = [b.biased.value - a.biased.value for a, b in pairs if a.biased and b.biased]
        if not biased:
            yield f"{said}; accuracy changes by {span(fair, _SIGNED)}."
            continue
        said += (
            f"; accuracy changes by {span(biased, _SIGNED)} on biased labels, the only ones that"
            f" one has in practice, and by {span(fair, _SIGNED)} on fair ones"
        )
        is_gain = max(biased) < 0 < min(fair)
        yield said + (": the cost on biased labels is a gain on fair ones." if is_gain else ".")


def _seeds(sweep: SweepSummary) -> Iterator[str]:
    """By how much frameworks, rounding and seeds move the difference of groups."""
    if not _seeded(sweep):
        return
    between, rounding = list[float](), list[float]()
    by_label: dict[tuple[str, str], list[float]] = defaultdict(list)
    halves, order = list[float](), ""
    for point, summary in _played(sweep):
        gaps = {cell.label: gap_of(groups) for cell, groups in known(summary)}
        found = {label: gap for label, gap in gaps.items() if gap}
        if not found:
            continue
        between.append(_spread([gap.value for gap in found.values()]))
        rounding += _rounding(summary, found)
        order = order or _order(summary)
        for label, gap in found.items():
            by_label[_others(point), label].append(gap.value)
            halves += _half(gap)
    seeds = [_spread(values) for values in by_label.values() if len(values) > 1]
    if not seeds:
        return
    parts = [f"seeds by up to {_RATE.format(max(seeds))}"]
    if rounding:
        parts.insert(0, f"rounding alone by up to {_RATE.format(max(rounding))}")
    if any(len(known(summary)) > 1 for _, summary in _played(sweep)):
        parts.insert(0, f"frameworks by up to {_RATE.format(max(between))}")
        noise = max([*rounding, *seeds])
        yield (
            "No framework is fairer than another, by what seeds and rounding can tell."
            if max(between) <= noise
            else "Frameworks differ by more than seeds and rounding do."
        )
    yield f"Selection{order} is moved by {_listed(parts)}."
    if halves:
        yield (
            f"The examples of one training leave ±{_RATE.format(fmean(halves))}, which is another"
            " thing, and not mixed with these."
        )


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def seeds_table(sweep: SweepSummary) -> Table | None:
    """A row per backend and figure: its mean and range over seeds, and beside it the interval over
    the examples of one training."""
    if not _seeded(sweep):
        return None
    found: dict[tuple[str, str, str], list[Estimate]] = defaultdict(list)
    for point, summary in _played(sweep):
        for cell, groups in known(summary):
            for name, figure in _figures(groups):
                found[_others(point), cell.label, name].append(figure)
    rows = []
    for (others, label, name), figures in found.items():
        values = [figure.value for figure in figures]
        halves = [half for figure in figures for half in _half(figure)]
        rows.append(
            [
                f"{label}{f' at {others}' if others else ''}",
                _FIGURES[name],
                str(len(values)),
                _RATE.format(fmean(values)),
                f"{_RATE.format(min(values))} to {_RATE.format(max(values))}",
                f"±{_RATE.format(fmean(halves))}" if halves else NOTHING,
            ]
        )
    columns = ["backend", "figure", "seeds", "mean", "over seeds", "over examples"]
    return Table(columns, rows, left=2) if rows else None


def _figures(groups: Groups) -> Iterator[tuple[str, Estimate]]:
    for rate in ("selection", "tpr", "fpr"):
        if gap := _gap(groups, rate):
            yield rate, gap
    if groups.twins:
        yield "same", groups.twins.selection
    if groups.accuracy:
        yield "accuracy", groups.accuracy


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


def _order(summary: Summary) -> str:
    gaps = (gap for _, groups in known(summary) for gap in groups.gaps)
    return next((f", {gap.first} less {gap.second}," for gap in gaps), "")


def _half(figure: Estimate) -> list[float]:
    if figure.low is None or figure.high is None:
        return []
    return [(figure.high - figure.low) / 2]


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)
