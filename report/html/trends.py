"""The series of a history on its page: a sparkline, the last figure, and what is news."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from compare.archive.trends import Trend, nothing_changed_since, trends_of
from compare.findings.number_text import estimate, with_half

if TYPE_CHECKING:
    from compare.archive.history import HistoryRow

_WIDTH, _HEIGHT, _EDGE = 120, 24, 2
_LEAST_SPAN = 0.1  # of the highest: noise stays flat
_WHEN = "%Y-%m-%d %H:%M"


class Line(NamedTuple):
    """A row of the table; `points` is the sparkline, as SVG wants it."""

    experiment: str
    backend: str
    runs: int
    points: str
    rate: str
    change: str
    upgrade: str
    is_bad: bool


def lines_of(rows: Sequence["HistoryRow"]) -> list[Line]:
    """Every series, regressions first."""
    return [_line(trend) for trend in trends_of(rows)]


def news(rows: Sequence["HistoryRow"]) -> str:
    """That nothing changed, where that is so."""
    since = nothing_changed_since(trends_of(rows))
    return f"Nothing changed beyond noise since {since.strftime(_WHEN)}." if since else ""


def _line(trend: Trend) -> Line:
    return Line(
        experiment=f"{trend.task} ({trend.preset}) {trend.experiment[:8]}, {trend.machine}",
        backend=trend.label,
        runs=len(trend.rates),
        points=_points(trend.rates),
        rate=with_half(trend.tokens_per_second, "{:,.0f}"),
        change=trend.news,
        upgrade=_upgrade(trend),
        is_bad=trend.is_regression,
    )


def _upgrade(trend: Trend) -> str:
    if not trend.upgraded:
        return ""
    text = f"{trend.upgraded:%Y-%m-%d}: {trend.upgrade}"
    if trend.change_by_upgrade:
        text += f", {estimate(trend.change_by_upgrade, '{:.2f}')} times as fast since"
    return text


def _points(rates: Sequence[float | None]) -> str:
    """From left to right the runs that were timed; the highest at the top."""
    known = [(index, rate) for index, rate in enumerate(rates) if rate is not None]
    if not known:
        return ""
    high = max(rate for _, rate in known)
    low = min(min(rate for _, rate in known), (1 - _LEAST_SPAN) * high)
    across = (_WIDTH - 2 * _EDGE) / max(1, len(rates) - 1)
    up = (_HEIGHT - 2 * _EDGE) / (high - low)
    return " ".join(
        f"{_EDGE + index * across:.1f},{_EDGE + (high - rate) * up:.1f}" for index, rate in known
    )
