"""The columns of the tables of results: speed, quality, memory and losses."""

from collections.abc import Sequence

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING
from compare.findings.summary import Summary
from compare.records.values import Estimate

from . import forms, verdict
from .column import (
    ASKED_FOR,
    LOSSES,
    MEMORY,
    MORE,
    MORE_QUALITY,
    NEVER,
    QUALITY,
    STEP,
    Column,
    Row,
    Texts,
    doubted,
    each,
    estimates,
    figures,
    is_filled,
    phase,
    rows_of,
    values,
)

BACKEND = "backend"
STATUS = "status"
_ANY_ORDER = "of two groups one less the other, of more the largest less the smallest"
GROUPS = ("selection gap", "TPR gap", "twin gap")


def results(summaries: Sequence[Summary], baseline: str = "") -> list[Column]:
    """Speed, quality, memory and losses: the columns that any of these runs needs."""
    rows = rows_of(summaries)
    metrics = dict.fromkeys(name for summary in summaries for name in summary.metrics)
    targets = {summary.target for summary in summaries if summary.target}
    units = {one.unit for summary in summaries for one in summary.comparisons}
    target = targets.pop() if len(targets) == 1 else "target" if targets else ""
    columns = every_result(
        list(metrics), target, "round" if units == {"round"} else "window", baseline, _order(rows)
    )
    devices = {row.cell.device for row in rows if row.cell.device}
    without = {
        *(["device"] if len(devices) < 2 else []),
        *([] if any(summary.comparisons for summary in summaries) else ["of fastest"]),
    }
    return [
        column
        for column in columns
        if column.title not in without
        if not column.optional or is_filled(column, rows)
    ]


def every_result(
    metrics: Sequence[str],
    target: str,
    unit: str = "window",
    baseline: str = "",
    order: str = _ANY_ORDER,
) -> list[Column]:
    """All columns that a table of results of such a task can have."""
    return [
        Column(BACKEND, each(lambda c: c.label)),
        Column(STATUS, each(lambda c: c.status), rank=NEVER),
        Column("device", each(lambda c: c.device or NOTHING)),
        *_speed(unit, baseline),
        Column(
            "per 1M tokens", figures(lambda c: c.cost_per_million_tokens, forms.plain),
            rank=ASKED_FOR, optional=True,
        ),
        *_quality(metrics, target),
        *_groups(order),
        Column("step", doubted(figures(lambda c: c.step_seconds, forms.step)), rank=STEP),
        phase("compile", "compile", MORE, "what the first steps took beyond a step"),
        Column(
            "peak mem", figures(lambda c: c.peak_memory_bytes, forms.memory),
            "resident, while training", rank=MEMORY,
        ),
        Column(
            "largest rank",
            figures(lambda c: c.largest_rank_memory_bytes, forms.memory),
            "of the memory, what one rank held", rank=ASKED_FOR, optional=True,
        ),
        Column(
            "over idle", figures(_over_idle, forms.memory), "beyond the imported framework",
            rank=MORE,
        ),
        *_losses(),
    ]  # fmt: skip


def against(baseline: str = "") -> str:
    """The title of the column that has the verdict in short."""
    return f"against {baseline or 'fastest'}"


def _speed(unit: str, baseline: str) -> list[Column]:
    rate = estimates(lambda c: c.tokens_per_second, forms.plain)
    ratio = _ratios(baseline)
    meaning = (
        f"the ratio of these, with a 95% interval that is paired {unit} by {unit} and adjusted"
        " for the number of pairs (Holm): faster is said where it excludes 1"
    )
    return [
        Column(
            "tokens/s", doubted(rate), f"the geometric mean over {unit}s, with a 95% interval",
            doubted(_rates_with_margins),
        ),
        Column(
            against(baseline),
            lambda rows: _standings(rows, baseline),
            "by how much lower its rate is, or how many times as long it takes",
            optional=True,
        ),
        Column(f"of {baseline or 'fastest'}", doubted(ratio), meaning, rank=MORE),
        Column(
            "efficiency",
            doubted(estimates(lambda c: c.scaling_efficiency, forms.fixed("{:.3f}"))),
            "of N ranks, their rate over N times that of one process, with a 95% interval of the"
            f" {unit}s that both played",
            doubted(values(lambda c: c.scaling_efficiency, forms.fixed("{:.3f}"))),
            STEP, optional=True,
        ),
        Column(
            "talking",
            doubted(estimates(lambda c: c.communication_share, forms.fixed("{:.1%}"))),
            "the share of a step that goes where ranks do not exchange gradients",
            doubted(values(lambda c: c.communication_share, forms.fixed("{:.1%}"))),
            STEP, optional=True,
        ),
        Column(
            "imbalance",
            doubted(figures(lambda c: c.rank_imbalance, forms.fixed("{:.1%}"))),
            "by how much the quickest rank is ahead of the slowest",
            rank=ASKED_FOR, optional=True,
        ),
        Column(
            "sent/step", figures(lambda c: c.wire_bytes_per_step, forms.memory),
            "what the machine of several ranks sent over its network interfaces",
            rank=ASKED_FOR, optional=True,
        ),
        Column(
            "sent over least", figures(lambda c: c.wire_share_of_least, forms.fixed("{:.2f}")),
            "the same over 2 (N - 1) times the gradients' size, which rings need",
            rank=ASKED_FOR, optional=True,
        ),
        Column(
            "of itself",
            doubted(estimates(lambda c: c.ratio_to_itself, forms.fixed("{:.3f}"))),
            "the same backend twice; no smaller difference is called one",
            doubted(values(lambda c: c.ratio_to_itself, forms.fixed("{:.3f}"))),
            ASKED_FOR, optional=True,
        ),
    ]  # fmt: skip


def _quality(metrics: Sequence[str], target: str) -> list[Column]:
    columns = [_metric(name, MORE_QUALITY if index else QUALITY)
               for index, name in enumerate(metrics)]  # fmt: skip
    # Perplexity is the language model's own metric.
    perplexity = figures(lambda c: c.perplexity, forms.fixed("{:,.1f}"))
    columns = columns or [Column("perplexity", perplexity, rank=LOSSES)]
    columns.append(
        Column(
            "bits/byte",
            figures(lambda c: c.bits_per_byte, forms.fixed("{:.3f}")),
            "bits that the loss is per byte of the original text, 8 charged for each byte of what"
            " is <unk>: it compares over vocabularies and tokenisers",
            rank=LOSSES,
            optional=True,
        )
    )
    if target:
        meaning = "training time until validation reached it, compilation included"
        to = figures(lambda c: c.seconds_to_target, forms.duration)
        columns.append(Column(f"to {target}", to, meaning, rank=ASKED_FOR))
    return columns


def _order(rows: Sequence[Row]) -> str:
    """Which group is taken from which, where that is the same in all."""
    gaps = [gap for row in rows if row.cell.groups for gap in row.cell.groups.gaps]
    named = {f"{gap.first} less {gap.second}" for gap in gaps if gap.by_chance is None}
    return named.pop() if len(named) == 1 else _ANY_ORDER


def _groups(order: str) -> list[Column]:
    """Of runs whose texts speak of somebody: signed differences, and no score of fairness."""
    signed = forms.fixed("{:.3f}")
    return [
        Column(
            GROUPS[0],
            estimates(lambda c: _gap(c, "selection"), signed),
            f"share that is given the positive class (demographic parity): {order}",
            rank=LOSSES, optional=True,
        ),
        Column(
            GROUPS[1],
            estimates(lambda c: _gap(c, "tpr"), signed),
            "the same among those whose label is positive (equal opportunity)",
            rank=LOSSES, optional=True,
        ),
        Column(
            GROUPS[2],
            estimates(lambda c: c.groups.twins.selection if c.groups and c.groups.twins else None,
                      signed),
            "how decisions change where the same text speaks of the other group",
            rank=LOSSES, optional=True,
        ),
    ]  # fmt: skip


def _gap(cell: CellSummary, rate: str) -> Estimate | None:
    gaps = cell.groups.gaps if cell.groups else []
    return next((one.gap for one in gaps if one.rate == rate), None)


def _metric(name: str, rank: int) -> Column:
    def score(cell: CellSummary) -> Estimate | None:
        return cell.quality.get(name)

    meaning = "with 95% bootstrap intervals over the examples"
    texts, short = estimates(score, forms.scores), values(score, forms.scores)
    return Column(name, texts, meaning, short, rank)


def _losses() -> list[Column]:
    loss = forms.fixed("{:.4f}")
    return [
        Column("train loss", figures(lambda c: c.losses[-1] if c.losses else None, loss),
               rank=LOSSES),
        Column("valid. loss", figures(lambda c: c.validation_loss, loss), rank=LOSSES),
        Column(
            "outputs diff.",
            figures(lambda c: c.outputs_differing, forms.fixed("{:,}")),
            "of the validation split, how many differ from another's",
            rank=LOSSES, optional=True,
        ),
        Column(
            "loss diff.",
            figures(lambda c: c.loss_difference_share, _of_allowed),
            "the largest difference to another backend's loss, at any step or of validation, as a"
            " share of what rounding allows",
            rank=LOSSES,
        ),
    ]  # fmt: skip


def _rates_with_margins(rows: Sequence[Row]) -> list[str]:
    return forms.with_margins([row.cell.tokens_per_second for row in rows], forms.plain)


def _standings(rows: Sequence[Row], baseline: str) -> list[str]:
    """Run by run, since each is a table of its own among several."""
    by_run: dict[int, list[Row]] = {}
    for row in rows:
        by_run.setdefault(id(row.summary), []).append(row)
    return [
        text
        for same in by_run.values()
        for text in verdict.in_short(same[0].summary, [row.cell for row in same], baseline)
    ]


def _ratios(baseline: str) -> Texts:
    def ratio(row: Row) -> Estimate | None:
        if not baseline:
            return row.cell.ratio_to_fastest
        found = verdict.standing(row.summary, row.cell.label, baseline)
        own = Estimate(value=1.0, low=1.0, high=1.0)
        return own if found.verdict == "itself" else found.ratio

    return lambda rows: forms.with_ends([ratio(row) for row in rows], forms.fixed("{:.3f}"))


def _of_allowed(shares: forms.Values) -> list[str]:
    is_far = any(share is not None and share >= 10 for share in shares)
    form = "{:,.2f} times allowed" if is_far else "{:.2f} of allowed"
    return forms.fixed(form)(shares)


def _over_idle(cell: CellSummary) -> int | None:
    if cell.peak_memory_bytes is None or cell.idle_memory_bytes is None:
        return None
    return max(0, cell.peak_memory_bytes - cell.idle_memory_bytes)
