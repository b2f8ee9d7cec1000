"""Figures over time: what is news of every experiment and backend under a folder."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from compare.archive.history import read_history
from compare.archive.trends import Trend, Verdict, nothing_changed_since, trends_of, with_trends
from compare.commands import completion, options
from compare.commands.options import told, what
from compare.commands.tables import print_fitting, say
from compare.errors import UserError, unknown
from compare.findings.number_text import NOTHING, estimate, with_half
from compare.plugins import installed

_MOST_ROWS = 100  # nobody reads more on a terminal
_MOST_BARS = 12
_BARS = "▁▂▃▄▅▆▇█"
_TITLES = ("backend", "over time", "runs", "tokens/s", "against the run before")
_STYLES = {"failed": "red", "slower": "red", "faster": "green"}
_WORDS: dict[Verdict, str] = {
    "failed": "failed now",
    "slower": "slower than before",
    "faster": "faster than before",
    "unchanged": "within noise",
    "not judged": "not judged: windows too short, or a machine too busy",
    "first": "of one run",
}


def history(
    folder: Annotated[
        Path, typer.Argument(help="Folder of runs.", autocompletion=completion.nothing)
    ] = Path("results"),
    task: Annotated[
        str, what(help="Only runs of this task.", autocompletion=completion.plugin("task"))
    ] = "",
    backend: Annotated[
        str,
        what(help="Only these, such as torch:eager,jax.", autocompletion=completion.backends),
    ] = "",
    format_: Annotated[
        str,
        told("--format", help="html prints a page.", autocompletion=completion.plugin("report")),
    ] = "",
    json: options.Json = False,
) -> None:
    """Figures over time, the frameworks' upgrades marked.

    Examples:
    compare history
    compare history results --task lm --backend torch:eager,jax
    compare history --format html > history.html
    """
    render = _renderer(format_) if format_ else None
    found = read_history(folder, task, options.split_backends(backend))
    if json:
        print(with_trends(found).model_dump_json(indent=2))
    elif render:
        page = render(found)
        sys.stdout.buffer.write(page if isinstance(page, bytes) else page.encode())
    else:
        _print(trends_of(found.rows))
    for line in (*found.unreadable, *found.copies):
        print(f"compare: left out: {line}", file=sys.stderr)


def _renderer(name: str) -> Any:
    """What a report format draws a history with."""
    points = installed("report")
    if name not in points:
        raise unknown("report format", name, points)
    report = points[name].load()
    if not hasattr(report, "render_history"):
        raise UserError(f"the report format '{name}' has no page for a history")
    return report.render_history


def _print(trends: Sequence[Trend]) -> None:
    shown = trends[:_MOST_ROWS]
    places = dict.fromkeys(trend.place for trend in shown)  # regressions first
    for place in places:
        ours = [trend for trend in shown if trend.place == place]
        task, preset, experiment, machine = place
        say(f"{task} {preset}, experiment {experiment[:8]}, on {machine}")
        styles = [_STYLES.get(trend.verdict, "") for trend in ours]
        print_fitting(_TITLES, [_texts(trend) for trend in ours], styles)
        for line in _upgrades(ours):
            say(f"  {line}")
        print()
    if len(shown) < len(trends):
        say(f"and {len(trends) - len(shown):,} more: --json has them all")
    say(_news(trends))


def _texts(trend: Trend) -> list[str]:
    return [
        trend.label,
        sparkline(trend.rates[-_MOST_BARS:]),
        str(len(trend.rates)),
        with_half(trend.tokens_per_second, "{:,.0f}"),
        trend.news,
    ]


def sparkline(rates: Sequence[float | None]) -> str:
    """A bar for each rate, a dot where there is none; from the lowest to the highest, or over a
    tenth of it where they are closer, so that noise stays flat."""
    known = [rate for rate in rates if rate is not None]
    if not known:
        return NOTHING
    high = max(known)
    low = min(min(known), 0.9 * high)
    top = len(_BARS) - 1
    return "".join(
        "·" if rate is None else _BARS[round((rate - low) / (high - low) * top)] for rate in rates
    )


def _upgrades(trends: Sequence[Trend]) -> Iterator[str]:
    """The last change of versions of each backend; those of one change share a line."""
    found: dict[str, list[str]] = {}
    for trend in trends:
        if trend.upgraded:
            by = estimate(trend.change_by_upgrade, "{:.3f}")
            now = f", {by} times as fast since" if trend.change_by_upgrade else ""
            when = f"{trend.upgraded.astimezone():%Y-%m-%d}"
            found.setdefault(f"{when}, {trend.upgrade}", []).append(f"{trend.label}{now}")
    for upgrade, labels in found.items():
        yield f"upgraded {upgrade}: {'; '.join(labels)}"


def _news(trends: Sequence[Trend]) -> str:
    since = nothing_changed_since(trends)
    if since:
        return f"nothing changed beyond noise since {since.astimezone():%Y-%m-%d %H:%M}"
    counts = Counter(trend.verdict for trend in trends)
    return ", ".join(f"{count:,} {_WORDS[verdict]}" for verdict, count in counts.items())
