"""Each series of a history at its last: what it measures now, and whether that is news.

A change is one beyond noise where the interval of the ratio of two runs excludes 1. Runs of
different times share no windows, and each interval stands for itself: of forty series that did not
change, one will look slower and one faster.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, ConfigDict

from compare.archive.history import History, HistoryRow
from compare.findings.number_text import NOTHING, with_half
from compare.records.record_types import Status
from compare.records.values import Estimate, labelled
from compare.stats.intervals import independent_ratio

Verdict = Literal["failed", "slower", "faster", "unchanged", "not judged", "first"]
_ORDER: tuple[Verdict, ...] = ("failed", "slower", "faster", "unchanged", "not judged", "first")


class Trend(BaseModel):
    """One backend on one experiment in one place.

    `rates` has tokens per second of every run, the oldest first, null where it was not timed;
    `tokens_per_second` is of the last one that was, `change` its rate over that of the one before.
    `verdict` says what the last run brought, "failed" where an earlier one went well;
    `unchanged_since` is when the first of the runs was played from which on nothing changed beyond
    noise. `upgrade` is the last change of versions, played first at `upgraded`, and
    `change_by_upgrade` the last rate over that of the last run before it.
    """

    model_config = ConfigDict(ser_json_inf_nan="null")

    task: str
    preset: str
    experiment: str
    machine: str
    backend: str
    mode: str
    ranks: int = 1
    run: str
    started: datetime
    status: Status
    rates: list[float | None]
    tokens_per_second: Estimate | None
    change: Estimate | None = None
    verdict: Verdict
    unchanged_since: datetime | None = None
    upgrade: str = ""
    upgraded: datetime | None = None
    change_by_upgrade: Estimate | None = None

    @property
    def label(self) -> str:
        return labelled(self.backend, self.mode, self.ranks)

    @property
    def place(self) -> tuple[str, ...]:
        """Trends of one place are of one experiment on one machine."""
        return (self.task, self.preset, self.experiment, self.machine)

    @property
    def is_regression(self) -> bool:
        return self.verdict in ("failed", "slower")

    @property
    def news(self) -> str:
        """Against the run before, such as "3.2% slower ±1.1%", with half of its interval."""
        if self.verdict == "failed":
            return self.status.replace("_", " ")
        if self.change is None:
            return NOTHING if self.tokens_per_second is None else "the first"
        if self.verdict == "not judged":
            return "not judged"
        half = with_half(self.change, "{:.3f}").partition(" ")[2]
        if self.verdict == "unchanged":
            return f"within noise {half}"
        return f"{abs(self.change.value - 1):.1%} {self.verdict} {half}"


class HistoryWithTrends(History):
    """What `compare history --json` prints: every run, and each series at its last."""

    trends: list[Trend]


def with_trends(history: History) -> HistoryWithTrends:
    return HistoryWithTrends(**dict(history), trends=trends_of(history.rows))


def trends_of(rows: Sequence[HistoryRow]) -> list[Trend]:
    """A trend for each series of rows that are in series, regressions first, the worst of them at
    the top."""
    found = [_trend(list(series)) for _, series in groupby(rows, key=lambda row: row.series)]
    return sorted(found, key=_rank)


def nothing_changed_since(trends: Sequence[Trend]) -> datetime | None:
    """From when on no series changed beyond noise; None where one did, or none can tell."""
    if any(one.is_regression or one.verdict == "faster" for one in trends):
        return None
    return max((one.unchanged_since for one in trends if one.unchanged_since), default=None)


def _rank(trend: Trend) -> tuple[int, float]:
    return _ORDER.index(trend.verdict), trend.change.value if trend.change else 0.0


def _trend(rows: list[HistoryRow]) -> Trend:
    last = rows[-1]
    timed = [row for row in rows if _rate(row) is not None]
    change = _ratio(timed[-1], timed[-2]) if len(timed) > 1 else None
    verdict = _verdict(rows, timed, change)
    upgraded = next((row for row in reversed(rows) if row.upgrade), None)
    return Trend(
        task=last.task,
        preset=last.preset,
        experiment=last.experiment,
        machine=last.machine,
        backend=last.backend,
        mode=last.mode,
        ranks=last.ranks,
        run=last.run,
        started=last.started,
        status=last.status,
        rates=[_rate(row) for row in rows],
        tokens_per_second=timed[-1].tokens_per_second if timed else None,
        change=change,
        verdict=verdict,
        unchanged_since=_since(timed) if verdict == "unchanged" else None,
        upgrade=upgraded.upgrade if upgraded else "",
        upgraded=upgraded.started if upgraded else None,
        change_by_upgrade=timed[-1].ratio_to_before if timed and upgraded else None,
    )


def _rate(row: HistoryRow) -> float | None:
    well = row.status == "ok" and row.tokens_per_second is not None
    return row.tokens_per_second.value if well and row.tokens_per_second else None


def _verdict(
    rows: Sequence[HistoryRow], timed: Sequence[HistoryRow], change: Estimate | None
) -> Verdict:
    went_wrong = rows[-1].status in ("failed", "parity_failed")
    if went_wrong and any(row.status == "ok" for row in rows[:-1]):
        return "failed"
    if change is None:
        return "first"
    if any(row.doubt for row in timed[-2:]) or change.low is None or change.high is None:
        return "not judged"
    if change.high < 1:
        return "slower"
    return "faster" if change.low > 1 else "unchanged"


def _since(timed: Sequence[HistoryRow]) -> datetime:
    """When the earliest run was played that is, as all after it, within noise of the last."""
    since = timed[-1].started
    for row in _within_noise(timed):
        since = row.started
    return since


def _within_noise(timed: Sequence[HistoryRow]) -> Iterator[HistoryRow]:
    """Runs before the last one, the latest first, as far as their rates are not apart from it."""
    for row in reversed(timed[:-1]):
        ratio = _ratio(timed[-1], row)
        if row.doubt or ratio.low is None or ratio.high is None:
            return
        if not ratio.low <= 1 <= ratio.high:
            return
        yield row


def _ratio(later: HistoryRow, earlier: HistoryRow) -> Estimate:
    assert later.tokens_per_second is not None
    assert earlier.tokens_per_second is not None
    rates = later.tokens_per_second.interval(), earlier.tokens_per_second.interval()
    return Estimate.of(independent_ratio(*rates))
