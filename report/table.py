"""The tables that the terminal and Markdown show: their columns, and each cell as text."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING, estimate, memory, number, seconds, share
from compare.findings.summary import Summary


class Column(NamedTuple):
    title: str
    text: Callable[[CellSummary], str]


class Table(NamedTuple):
    """Rows of texts; the first `left` columns are words, the others figures."""

    columns: list[str]
    rows: list[list[str]]
    left: int


def result_table(summary: Summary) -> Table:
    """Losses, quality, speed and memory: one row per backend and mode."""
    return _table(_results([summary]), ordered(summary), left=2)


def ordered(summary: Summary) -> list[CellSummary]:
    """The fastest first, by the rates that the table shows; as they were given where no pair can
    be judged, and those that have no ratio behind the others."""
    if all(one.verdict == "not judged" for one in summary.comparisons):
        return summary.cells
    return sorted(
        summary.cells, key=lambda c: -c.ratio_to_fastest.value if c.ratio_to_fastest else 0.0
    )


def cost_table(summary: Summary) -> Table | None:
    """Where the time went and what it took of the machine, of all cells that were timed."""
    timed = [cell for cell in ordered(summary) if cell.step_seconds]
    columns = [c for c in _costs(summary) if any(c.text(cell) != NOTHING for cell in timed)]
    return _table(columns, timed, left=1) if timed else None


def sweep_table(sweep: SweepSummary, points: int | None = None) -> Table:
    """The rows of every point, or of the first ones, its values of the swept fields before them."""
    columns = _results([point.summary for point in sweep.points if point.summary])
    if "run.threads" in sweep.axes:
        columns.append(Column("busy threads", _busy_threads))
        columns.append(Column("cores used", _cores_used))
    not_played = [NOTHING, "not played", *[NOTHING] * (len(columns) - 2)]
    rows = []
    for point in sweep.points[:points]:
        values = [str(point.values[field]) for field in sweep.axes]
        cells = point.summary.cells if point.summary else []
        texts = [[column.text(cell) for column in columns] for cell in cells]
        rows += [values + row for row in texts or [not_played]]
    return Table([*sweep.axes, *(c.title for c in columns)], rows, left=len(sweep.axes) + 2)


def scaling_table(sweep: SweepSummary) -> Table | None:
    """The fitted exponents: cost grows as size to the power of it."""
    rows = [
        [
            f"{one.backend}:{one.mode}",
            one.field,
            {"step_seconds": "step", "peak_memory_bytes": "peak memory"}[one.quantity],
            estimate(one.exponent, "{:.2f}"),
            str(one.points),
        ]
        for one in sweep.scaling
    ]
    titles = ["backend", "field", "cost", "exponent", "points"]
    return Table(titles, rows, left=3) if rows else None


def _table(columns: Sequence[Column], cells: Sequence[CellSummary], left: int) -> Table:
    rows = [[column.text(cell) for column in columns] for cell in cells]
    return Table([column.title for column in columns], rows, left)


def _results(summaries: Sequence[Summary]) -> list[Column]:
    """The columns that any of these needs."""
    metrics = dict.fromkeys(name for summary in summaries for name in summary.metrics)
    quality = [Column(name, partial(_quality, name)) for name in metrics]
    # Perplexity is the language model's own metric.
    quality = quality or [Column("perplexity", lambda c: number(c.perplexity, "{:,.1f}"))]
    targets = {summary.target for summary in summaries if summary.target}
    if targets:
        title = f"to {targets.pop()}" if len(targets) == 1 else "to target"
        quality.append(Column(title, lambda c: seconds(c.seconds_to_target)))
    columns = [
        Column("backend", lambda c: c.label),
        Column("status", lambda c: c.status),
        Column("train loss", lambda c: number(c.losses[-1] if c.losses else None, "{:.4f}")),
        Column("valid. loss", lambda c: number(c.validation_loss, "{:.4f}")),
        *quality,
        Column("tokens/s", lambda c: _doubted(c, estimate(c.tokens_per_second, "{:,.0f}"))),
        Column("of fastest", lambda c: _doubted(c, estimate(c.ratio_to_fastest, "{:.3f}"))),
    ]
    if any(cell.ratio_to_itself for summary in summaries for cell in summary.cells):
        columns.append(Column("of itself", lambda c: estimate(c.ratio_to_itself, "{:.3f}")))
    columns += [
        Column("step", lambda c: _doubted(c, seconds(c.step_seconds))),
        Column("compile", lambda c: seconds(c.phases.get("compile"))),
        Column("peak memory", lambda c: memory(c.peak_memory_bytes)),
        Column("over idle", lambda c: memory(_over_idle(c))),
    ]
    if any(summary.price_per_hour is not None for summary in summaries):
        columns.append(
            Column("per 1M tokens", lambda c: number(c.cost_per_million_tokens, "{:.3g}"))
        )
    if any(c.outputs_differing is not None for summary in summaries for c in summary.cells):
        columns.append(Column("outputs diff.", lambda c: number(c.outputs_differing, "{:,}")))
    return [*columns, Column("loss diff.", _of_allowed)]


def _costs(summary: Summary) -> list[Column]:
    return [
        Column("backend", lambda c: c.label),
        *(Column(name, partial(_phase, name)) for name in ("import", "build", "compile")),
        Column("warm-up", partial(_phase, "warmup")),
        Column("steady", partial(_phase, "steady")),
        Column("evaluation", partial(_phase, "evaluation")),
        Column("GFLOP/s", lambda c: number(_giga(c.flops_per_second), "{:.3g}")),
        Column("own product", lambda c: number(_giga(c.product_flops_per_second), "{:.3g}")),
        Column("of roofline", lambda c: share(c.roofline_share)),
        Column("device peak", lambda c: memory(c.device_peak_memory_bytes)),
        Column("planned", lambda c: memory(c.planned_memory_bytes)),
        Column("idle", lambda c: memory(c.idle_memory_bytes)),
        Column("process peak", lambda c: memory(c.process_peak_memory_bytes)),
        Column("cores used", _cores_used),
        Column("busy threads", _busy_threads),
        Column("others' CPUs", lambda c: number(c.cpus_of_others, "{:.2f}")),
        Column("steal", lambda c: number(c.steal_share, "{:.1%}")),
        Column("switches/s", lambda c: number(c.involuntary_switches_per_second, "{:.3g}")),
        Column("MHz", lambda c: number(c.mhz, "{:.0f}")),
        Column("J/step", lambda c: number(c.joules_per_step, "{:.3g}")),
    ]


def _doubted(cell: CellSummary, text: str) -> str:
    return f"{text} ?" if cell.doubt and text != NOTHING else text


def _of_allowed(cell: CellSummary) -> str:
    share = cell.loss_difference_share
    if share is None:
        return NOTHING
    return f"{share:.2f} of allowed" if share < 10 else f"{share:,.0f} times allowed"


def _phase(name: str, cell: CellSummary) -> str:
    return seconds(cell.phases.get(name))


def _cores_used(cell: CellSummary) -> str:
    return number(cell.cores_used, "{:.2f}")


def _busy_threads(cell: CellSummary) -> str:
    return number(cell.busy_threads, "{}")


def _giga(value: float | None) -> float | None:
    return None if value is None else value / 1e9


def _over_idle(cell: CellSummary) -> int | None:
    if cell.peak_memory_bytes is None or cell.idle_memory_bytes is None:
        return None
    return max(0, cell.peak_memory_bytes - cell.idle_memory_bytes)


def _quality(name: str, cell: CellSummary) -> str:
    return estimate(cell.quality.get(name), "{:.4g}")
