"""Who is ahead at which points of a sweep, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from compare.archive.scaling import SweepSummary
from compare.findings.number_text import estimate
from compare.findings.speed import Verdict
from compare.findings.summary import Summary
from compare.swept.places import machines_of

_MOST_LISTED = 8  # points, of which each has its ratio; of more, the range


class _Lead(NamedTuple):
    """At one point: the fastest, the one behind it, and how they compare."""

    at: str
    first: str
    second: str
    times: float
    verdict: Verdict
    why: str


def verdicts(sweep: SweepSummary) -> list[str]:
    """Such as "jax:jit is ahead at every train.batch: 5.70 times as fast as torch:eager at 2, 6.80
    at 4"; nothing where no two backends were timed together."""
    found = [
        lead
        for point in sweep.points
        if point.summary and (lead := _lead(value_text(point.values), point.summary))
    ]
    what = next(iter(sweep.axes)) if len(sweep.axes) == 1 else "point"
    return [
        *_ahead([lead for lead in found if lead.verdict == "faster"], what, len(sweep.points)),
        *_not_separated([lead for lead in found if lead.verdict == "not separated"], what),
        *_not_judged([lead for lead in found if lead.verdict == "not judged"], what),
        *_over_seeds(sweep),
        *_places(sweep),
        *_not_played(sweep, what),
    ]


def value_text(values: Mapping[str, Any]) -> str:
    """A point by its values: of one field the value alone."""
    if len(values) == 1:
        return str(next(iter(values.values())))
    return " ".join(f"{field.partition('.')[2]}={value}" for field, value in values.items())


def _lead(at: str, summary: Summary) -> _Lead | None:
    rated = [cell for cell in summary.cells if cell.ratio_to_fastest]
    rated.sort(key=lambda cell: -cell.ratio_to_fastest.value if cell.ratio_to_fastest else 0.0)
    if len(rated) < 2:
        return None
    pair = (rated[0].label, rated[1].label)
    for one in summary.comparisons:
        if (one.first, one.second) == pair:
            return _Lead(at, *pair, one.ratio.value, one.verdict, one.why)
    return None


def _ahead(leads: Sequence[_Lead], what: str, of: int) -> Iterator[str]:
    for first in dict.fromkeys(lead.first for lead in leads):
        ours = [lead for lead in leads if lead.first == first]
        where = f"at every {what}" if len(ours) == of else f"at {what} {_listed(ours)}"
        yield f"{first} is ahead {where}: {_ratios(ours)}"


def _ratios(leads: Sequence[_Lead]) -> str:
    """Each with its point; the one behind is named once, where it is always the same."""
    one_behind = len({lead.second for lead in leads}) == 1
    behind = leads[0].second if one_behind else "the next"
    if len(leads) > _MOST_LISTED:
        times = [lead.times for lead in leads]
        return f"{min(times):.2f} to {max(times):.2f} times as fast as {behind}"
    first, *others = leads
    named = "" if one_behind else f" ({first.second})"
    texts = [f"{first.times:.2f} times as fast as {behind} at {first.at}{named}"]
    texts += [
        f"{lead.times:.2f} at {lead.at}{'' if one_behind else f' ({lead.second})'}"
        for lead in others
    ]
    return ", ".join(texts)


def _not_separated(leads: Sequence[_Lead], what: str) -> Iterator[str]:
    pairs: dict[tuple[str, str], list[_Lead]] = {}
    for lead in leads:
        pairs.setdefault((lead.first, lead.second), []).append(lead)
    for (first, second), ours in pairs.items():
        yield f"not separated at {what} {_listed(ours)}: {first} and {second}"


def _not_judged(leads: Sequence[_Lead], what: str) -> Iterator[str]:
    whys: dict[str, list[_Lead]] = {}
    for lead in leads:
        whys.setdefault(lead.why, []).append(lead)
    for why, ours in whys.items():
        yield f"not judged at {what} {_listed(ours)}: {why}"


def _over_seeds(sweep: SweepSummary) -> Iterator[str]:
    """How many times as fast, over all seeds, each of them once."""
    for one in sweep.speeds:
        low = one.ratio.low
        times = f"{estimate(one.ratio, '{:.2f}')} times as fast as {one.second}"
        where = f" at {value_text(one.others)}" if one.others else ""
        apart = "" if low is not None and low > 1 else ": not separated"
        yield f"over {one.seeds} seeds, each once{where}: {one.first} is {times}{apart}"


def _places(sweep: SweepSummary) -> Iterator[str]:
    """Which points were where, if not all in one place."""
    found = machines_of(
        (value_text(point.values), point.summary) for point in sweep.points if point.summary
    )
    if len(found) > 1:
        where = "; ".join(f"{machine}: {_shortened(names)}" for machine, names in found.items())
        yield (
            f"played on {len(found)} machines, and exponents are of what grows within each: {where}"
        )


def _not_played(sweep: SweepSummary, what: str) -> Iterator[str]:
    missing = [i for i, point in enumerate(sweep.points, 1) if point.summary is None]
    if missing:
        values = _shortened([value_text(sweep.points[number - 1].values) for number in missing])
        yield (
            f"not played yet: {what} {values} (compare point {sweep.run_id} N, N ="
            f" {_ranges(missing)} of {len(sweep.points)})"
        )


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as batch systems take them: 1,4-7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _listed(leads: Sequence[_Lead]) -> str:
    return _shortened([lead.at for lead in leads])


def _shortened(points: Sequence[str]) -> str:
    if len(points) > _MOST_LISTED:
        return f"{points[0]} and {len(points) - 1} others"
    return ", ".join(points)
