"""What a mitigation takes from the difference of groups and what it costs, over a sweep: the front
of both as points, as a table, and in words."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.findings.number_text import NOTHING, estimate
from compare.findings.summary import Summary
from compare.records.groups import Groups
from compare.records.thresholds import Thresholded
from compare.records.values import Estimate

from .groups import known, span
from .table import Table

MITIGATION = "task.mitigation"
_RATE, _SIGNED = "{:.3f}", "{:+.3f}"


class OnFront(NamedTuple):
    """One backend at one point: its values in words, the mitigation apart from the others; how
    groups differ in what they are given, and accuracy by fair labels and by biased ones; `best` is
    what the best learner comes to. With `thresholds` for each group it is of the texts that none
    was fitted on."""

    at: str
    mitigation: str
    others: str
    label: str
    gap: Estimate
    accuracy: Estimate
    biased: Estimate | None
    best: dict[str, float]
    thresholds: str = ""


def sentences(sweep: SweepSummary) -> list[str]:
    """What each mitigation, and thresholds after it, took and cost, where one was swept."""
    return [*(_costs(sweep) if MITIGATION in sweep.axes else ()), *_thresholds(sweep)]


def gap_of(groups: Groups) -> Estimate | None:
    """Of two groups, how their shares of the positive class differ: in the same texts, where these
    are known."""
    if groups.twins:
        return groups.twins.selection
    return selection_gap(groups)


def front(sweep: SweepSummary) -> list[OnFront]:
    """Every backend at every point, and after it with thresholds; nothing where no mitigation was
    swept."""
    if MITIGATION not in sweep.axes:
        return []
    found = list[OnFront]()
    for point, summary in played(sweep):
        for cell, groups in known(summary):
            found += _on_front(point, cell.label, gap_of(groups), groups, summary.best_learner)
        for one in point.thresholds:
            gap = selection_gap(one.after)
            found += _on_front(point, one.label, gap, one.after, {}, one.constraint)
    return found


def _on_front(
    point: SweptPoint, label: str, gap: Estimate | None, groups: Groups, best: dict[str, float],
    thresholds: str = "",
) -> Iterator[OnFront]:  # fmt: skip
    if gap and groups.accuracy:
        at = ", ".join(str(value) for value in point.values.values())
        at += f", thresholds for {thresholds.replace('_', ' ')}" if thresholds else ""
        others = ", ".join(str(v) for f, v in point.values.items() if f != MITIGATION)
        yield OnFront(
            at, str(point.values[MITIGATION]), others, label, gap,
            groups.accuracy, groups.biased_accuracy, best, thresholds,
        )  # fmt: skip


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


def order_of(sweep: SweepSummary) -> str:
    """Such as ", women less men,"; empty where no two groups are compared."""
    return next(filter(None, (order_of_run(summary) for _, summary in played(sweep))), "")


def order_of_run(summary: Summary) -> str:
    gaps = (gap for _, groups in known(summary) for gap in groups.gaps)
    return next((f", {gap.first} less {gap.second}," for gap in gaps), "")


def played(sweep: SweepSummary) -> Iterator[tuple[SweptPoint, Summary]]:
    return ((point, point.summary) for point in sweep.points if point.summary)


def selection_gap(groups: Groups) -> Estimate | None:
    """Of two groups, signed; none of more than two."""
    gaps = (gap.gap for gap in groups.gaps if gap.rate == "selection" and gap.by_chance is None)
    return next(gaps, None)


def _best(one: OnFront, name: str) -> str:
    return _RATE.format(one.best[name]) if name in one.best else NOTHING


def _costs(sweep: SweepSummary) -> Iterator[str]:
    """Each mitigation against the one of no strength, or the first: what it takes, and costs."""
    points: dict[str, list[OnFront]] = defaultdict(list)
    for one in front(sweep):
        if not one.thresholds:
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


def _thresholds(sweep: SweepSummary) -> Iterator[str]:
    """What thresholds take at each point, and cost, on the texts that none was fitted on."""
    for point, summary in played(sweep):
        on = " on fair labels" if any(g.biased_accuracy for _, g in known(summary)) else ""
        by_constraint: dict[str, list[Thresholded]] = defaultdict(list)
        for one in point.thresholds:
            by_constraint[one.constraint].append(one)
        for constraint, ones in by_constraint.items():
            before, after = [one.before for one in ones], [one.after for one in ones]
            costs = [
                b.accuracy.value - a.accuracy.value
                for a, b in zip(before, after, strict=True)
                if a.accuracy and b.accuracy
            ]
            yield (
                f"{_at(point)} with thresholds for {constraint.replace('_', ' ')}:"
                f" selection differs by {_gaps(after)}, not {_gaps(before)}; accuracy{on} changes"
                f" by {span(costs, _SIGNED)}. This is of the {ones[0].judged_on:,} texts that no"
                " threshold was fitted on."
            )


def _gaps(some: Sequence[Groups]) -> str:
    """Of more than two groups the largest share less the smallest."""
    rates = [gap for groups in some for gap in groups.gaps if gap.rate == "selection"]
    return span([one.gap.value for one in rates]) if rates else NOTHING


def _at(point: SweptPoint) -> str:
    """Of a mitigation that was swept its name alone."""
    if list(point.values) == [MITIGATION]:
        return str(point.values[MITIGATION])
    return ", ".join(f"{field.partition('.')[2]}={v}" for field, v in point.values.items())
