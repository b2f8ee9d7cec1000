"""The page of a history: throughput over time, with the frameworks' upgrades."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from compare.findings.number_text import estimate, memory, number, seconds

from ..table import Table
from . import page
from .curves import MOST_POINTS, Axis, Curves, Spec, spec, thinned
from .figures import Figure, listed
from .intervals import Measured, layer
from .trends import lines_of, news

if TYPE_CHECKING:
    from compare.archive.history import History, HistoryRow

_MOST_FIGURES = 12  # of the experiments with the most runs
_MOST_ROWS = 500  # in the table
_PLACES = (8, 22, 36)  # of the upgrades' names, in pixels from the top: neighbours in turn
_WHEN = "%Y-%m-%d %H:%M"


def render(history: "History") -> str:
    latest = sorted(history.rows, key=lambda row: row.started, reverse=True)
    groups = _groups(history.rows)
    return page.render(
        "history.html",
        title=f"History of {history.folder}",
        figures=[_throughput(f"throughput-{i}", group) for i, group in enumerate(groups)],
        downloads={"history.csv": _csv(latest)},
        series=_labels(history.rows),
        history=history,
        lines=lines_of(history.rows),
        news=news(history.rows),
        changes=[_change(row) for row in latest if row.upgrade],
        rows=_table(latest[:_MOST_ROWS]),
        left_out=max(0, len(latest) - _MOST_ROWS),
    )


def _groups(rows: Sequence["HistoryRow"]) -> list[list["HistoryRow"]]:
    """The timed rows of each experiment on each machine that was run more than once."""
    found: dict[tuple[str, ...], list[HistoryRow]] = defaultdict(list)
    for row in rows:
        if row.tokens_per_second and row.status == "ok":
            found[row.series[:-1]].append(row)
    repeated = [group for group in found.values() if len({row.started for row in group}) > 1]
    repeated.sort(key=len, reverse=True)
    return repeated[:_MOST_FIGURES]


def _throughput(name: str, rows: Sequence["HistoryRow"]) -> Figure:
    labels = _labels(rows)
    times = sorted({row.started for row in rows})
    rates = np.full((len(labels), len(times)), np.nan)
    for row in rows:
        if row.tokens_per_second:
            place = labels.index(row.label), times.index(row.started)
            rates[place] = row.tokens_per_second.value
    xs = [int(1000 * time.timestamp()) for time in times]
    first = rows[0]
    latest = {row.label: row for row in sorted(rows, key=lambda row: row.started)}
    now = [f"{label} {estimate(row.tokens_per_second, '{:,.0f}')}" for label, row in latest.items()]
    return Figure(
        name,
        spec(
            thinned(Curves(labels, xs, rates), "run"),
            Axis("", _WHEN, "%b %d", "time"),
            Axis("tokens per second", ",.0f", ",~f"),
            labels,
            [*(_intervals(rows, labels) if len(times) <= MOST_POINTS else []), *_upgrades(rows)],
            height=240,
        ),
        f"{first.task} ({first.preset}), experiment {first.experiment}, on {first.machine}."
        " A bar is an interval of 95%, a dashed line an upgrade.",
        f"Tokens per second of {first.task} ({first.preset}) at last: {listed(now)}.",
        labels,
        zooms=True,
    )


def _intervals(rows: Sequence["HistoryRow"], series: Sequence[str]) -> list[Spec]:
    measured = [
        Measured(_milliseconds(row), row.label, row.tokens_per_second)
        for row in rows
        if row.tokens_per_second
    ]
    return layer(measured, series, "temporal")


def _upgrades(rows: Sequence["HistoryRow"]) -> list[Spec]:
    upgraded = sorted((row for row in rows if row.upgrade), key=lambda row: row.started)
    marks = [
        {"x": _milliseconds(row), "text": row.upgrade, "place": place}
        for row, place in zip(upgraded, cycle(_PLACES), strict=False)
    ]
    place = {"x": {"field": "x", "type": "temporal"}}
    tooltip = {"tooltip": {"field": "text", "title": "upgrade"}}
    rule = {"type": "rule", "strokeDash": [4, 4], "clip": True}
    said = {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "clip": True}
    high = {"y": {"field": "place", "type": "quantitative", "scale": None}}
    layers = [
        {"mark": rule, "encoding": place | tooltip},
        {"mark": said, "encoding": place | high | {"text": {"field": "text"}}},
    ]
    return [{"data": {"values": marks}, "layer": layers}] if marks else []


def _milliseconds(row: "HistoryRow") -> int:
    return int(1000 * row.started.timestamp())


def _change(row: "HistoryRow") -> str:
    text = f"{row.started.strftime(_WHEN)}, {row.label} of {row.task}: {row.upgrade}"
    if row.ratio_to_before:
        text += f", {estimate(row.ratio_to_before, '{:.2f}')} times as fast as before"
    return f"{text}."


def _labels(rows: Sequence["HistoryRow"]) -> list[str]:
    return list(dict.fromkeys(row.label for row in rows))


def _table(rows: Sequence["HistoryRow"]) -> Table:
    columns = ["started", "task", "backend", "status", "upgrade", "tokens/s", "of before"]
    columns += ["step", "peak memory", "valid. loss", "run"]
    texts = [
        [
            row.started.strftime(_WHEN),
            f"{row.task} ({row.preset})",
            row.label,
            row.status,
            row.upgrade,
            estimate(row.tokens_per_second, "{:,.0f}"),
            estimate(row.ratio_to_before, "{:.3f}"),
            seconds(row.step_seconds),
            memory(row.peak_memory_bytes),
            number(row.validation_loss, "{:.4f}"),
            row.run,
        ]
        for row in rows
    ]
    return Table(columns, texts, left=5)


def _csv(rows: Sequence["HistoryRow"]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    plain = ["run", "started", "task", "preset", "experiment", "machine", "backend", "mode"]
    plain += ["status", "upgrade", "step_seconds", "peak_memory_bytes", "validation_loss"]
    rates = ["tokens_per_second", "ratio_to_before"]
    ends = [f"{name}{end}" for name in rates for end in ("", "_low", "_high")]
    writer.writerow([*plain, "versions", *ends])
    for row in rows:
        versions = " ".join(f"{name}={version}" for name, version in row.versions.items())
        estimates = [getattr(row, name) for name in rates]
        found = [getattr(e, part, "") for e in estimates for part in ("value", "low", "high")]
        writer.writerow([*(getattr(row, name) for name in plain), versions, *found])
    return text.getvalue()
