"""The columns of the tables: the title of each, what it means, and each cell's figure as text."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING, estimate, memory, number, seconds, share
from compare.findings.summary import Summary


class Column(NamedTuple):
    """`meaning` is for the legend, empty where the title says it."""

    title: str
    text: Callable[[CellSummary], str]
    meaning: str = ""


def results(summaries: Sequence[Summary]) -> list[Column]:
    """Losses, quality, speed and memory: the columns that any of these runs needs."""
    cells = [cell for summary in summaries for cell in summary.cells]
    columns = [
        Column("backend", lambda c: c.label),
        Column("status", lambda c: c.status),
    ]
    if len({cell.device for cell in cells if cell.device}) > 1:
        columns.append(Column("device", lambda c: c.device or NOTHING))
    columns += [
        Column("train loss", lambda c: number(c.losses[-1] if c.losses else None, "{:.4f}")),
        Column("valid. loss", lambda c: number(c.validation_loss, "{:.4f}")),
        *_quality(summaries),
        *_speed(summaries, cells),
        Column("peak memory", lambda c: memory(c.peak_memory_bytes), "resident, while training"),
        Column("over idle", lambda c: memory(_over_idle(c)), "beyond the imported framework"),
    ]
    if any(summary.price_per_hour is not None for summary in summaries):
        price = "{:.3g}"
        columns.append(Column("per 1M tokens", lambda c: number(c.cost_per_million_tokens, price)))
    if any(cell.outputs_differing is not None for cell in cells):
        columns.append(
            Column(
                "outputs diff.",
                lambda c: number(c.outputs_differing, "{:,}"),
                "of the validation split, how many differ from another's",
            )
        )
    of_allowed = (
        "the largest difference to another backend's loss, at any step or of validation, as a share"
        " of what rounding allows"
    )
    return [*columns, Column("loss diff.", _of_allowed, of_allowed)]


def _quality(summaries: Sequence[Summary]) -> list[Column]:
    metrics = dict.fromkeys(name for summary in summaries for name in summary.metrics)
    meaning = "with 95% bootstrap intervals over the examples"
    columns = [Column(name, partial(_score, name), meaning) for name in metrics]
    # Perplexity is the language model's own metric.
    columns = columns or [Column("perplexity", lambda c: number(c.perplexity, "{:,.1f}"))]
    if any(cell.bits_per_byte is not None for summary in summaries for cell in summary.cells):
        columns.append(
            Column(
                "bits/byte",
                lambda c: number(c.bits_per_byte, "{:.4g}"),
                "bits that the loss is per byte of the original text, 8 charged for each byte of"
                " what is <unk>: it compares over vocabularies and tokenisers",
            )
        )
    targets = {summary.target for summary in summaries if summary.target}
    if targets:
        title = f"to {targets.pop()}" if len(targets) == 1 else "to target"
        meaning = "training time until validation reached it, compilation included"
        columns.append(Column(title, lambda c: seconds(c.seconds_to_target), meaning))
    return columns


def _speed(summaries: Sequence[Summary], cells: Sequence[CellSummary]) -> list[Column]:
    units = {one.unit for summary in summaries for one in summary.comparisons}
    unit = "round" if units == {"round"} else "window"
    columns = [
        Column(
            "tokens/s",
            lambda c: _doubted(c, estimate(c.tokens_per_second, "{:,.0f}")),
            f"the geometric mean over {unit}s",
        ),
        Column(
            "of fastest",
            lambda c: _doubted(c, estimate(c.ratio_to_fastest, "{:.3f}")),
            f"the ratio of these, with a 95% interval that is paired {unit} by {unit} and adjusted"
            " for the number of pairs (Holm): faster is said where it excludes 1",
        ),
    ]
    if any(cell.ratio_to_itself for cell in cells):
        meaning = "the same backend twice; no smaller difference is called one"
        columns.append(
            Column("of itself", lambda c: estimate(c.ratio_to_itself, "{:.3f}"), meaning)
        )
    return [
        *columns,
        Column("step", lambda c: _doubted(c, seconds(c.step_seconds))),
        Column("compile", partial(_phase, "compile"), "what the first steps took beyond a step"),
    ]


def costs() -> list[Column]:
    """Where the time went, and what it took of the machine."""
    return [
        Column("backend", lambda c: c.label),
        *(Column(name, partial(_phase, name)) for name in ("import", "build", "compile")),
        Column("warm-up", partial(_phase, "warmup")),
        Column("steady", partial(_phase, "steady")),
        Column("evaluation", partial(_phase, "evaluation")),
        Column("GFLOP/s", lambda c: number(_giga(c.flops_per_second), "{:.3g}")),
        Column(
            "own product",
            lambda c: number(_giga(c.product_flops_per_second), "{:.3g}"),
            "GFLOP/s of the framework's float32 matrix product, to hold against the roof",
        ),
        Column(
            "of roofline",
            lambda c: share(c.roofline_share),
            "the least time that a step can take on this machine, over what it took",
        ),
        Column("device peak", lambda c: memory(c.device_peak_memory_bytes)),
        Column(
            "planned",
            lambda c: memory(c.planned_memory_bytes),
            "what the framework's compiler says that a step will hold",
        ),
        Column("idle", lambda c: memory(c.idle_memory_bytes)),
        Column("process peak", lambda c: memory(c.process_peak_memory_bytes)),
        *THREADS,
        Column(
            "others' CPUs",
            lambda c: number(c.cpus_of_others, "{:.2f}"),
            "what other processes used meanwhile",
        ),
        Column("steal", lambda c: number(c.steal_share, "{:.1%}"), "CPUs a hypervisor withheld"),
        Column(
            "switches/s",
            lambda c: number(c.involuntary_switches_per_second, "{:.3g}"),
            "how often a thread was taken off its CPU",
        ),
        Column("MHz", lambda c: number(c.mhz, "{:.0f}")),
        Column("J/step", lambda c: number(c.joules_per_step, "{:.3g}")),
    ]


THREADS = (
    Column("cores used", lambda c: number(c.cores_used, "{:.2f}"), "CPU seconds per second"),
    Column("busy threads", lambda c: number(c.busy_threads, "{}"), "how many were seen at work"),
)


def _doubted(cell: CellSummary, text: str) -> str:
    return f"{text} ?" if cell.doubt and text != NOTHING else text


def _of_allowed(cell: CellSummary) -> str:
    share = cell.loss_difference_share
    if share is None:
        return NOTHING
    return f"{share:.2f} of allowed" if share < 10 else f"{share:,.0f} times allowed"


def _phase(name: str, cell: CellSummary) -> str:
    return seconds(cell.phases.get(name))


def _giga(value: float | None) -> float | None:
    return None if value is None else value / 1e9


def _over_idle(cell: CellSummary) -> int | None:
    if cell.peak_memory_bytes is None or cell.idle_memory_bytes is None:
        return None
    return max(0, cell.peak_memory_bytes - cell.idle_memory_bytes)


def _score(name: str, cell: CellSummary) -> str:
    return estimate(cell.quality.get(name), "{:.4g}")
