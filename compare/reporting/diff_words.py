"""A diff in words: the rows of its two tables, and what follows from them."""

from collections.abc import Iterator

from compare.archive.diff import CellDiff, Diff
from compare.findings.number_text import NOTHING, memory, number, with_half
from compare.records.record_types import Status
from compare.records.values import Estimate

SPEED = ("backend", "tokens/s, base", "new", "new / base", "speed")
OTHERS = ("backend", "noise", "could have seen", "peak, base", "peak, new", "loss diff.")


def speed_row(cell: CellDiff) -> list[str]:
    return [
        cell.label,
        _rate(cell.base_status, cell.base_tokens_per_second),
        _rate(cell.new_status, cell.new_tokens_per_second),
        with_half(cell.speed, "{:.3f}"),
        cell.verdict or NOTHING,
    ]


def others_row(cell: CellDiff) -> list[str]:
    return [
        cell.label,
        number(cell.noise, "{:.1%}"),
        number(cell.smallest_slowdown, "{:.1%}"),
        memory(cell.base_peak_memory_bytes),
        memory(cell.new_peak_memory_bytes),
        number(cell.loss_difference, "{:.1e}"),
    ]


def conclusions(found: Diff) -> Iterator[str]:
    """Every regression, everything that cannot be told, or that there is none of either."""
    over = f"{100 * found.fail_over:g}%"
    for regression in found.regressions:
        yield f"regression: {regression.text}"
    for cell in found.blind:
        least = number(cell.smallest_slowdown, "{:.1%}") if cell.smallest_slowdown else "any"
        yield (
            f"cannot tell: {cell.label} could be slower by more than {over} unseen; the smallest"
            f" slowdown that these runs could have shown is {least}"
        )
    if not found.regressions and not found.blind:
        yield f"no regression beyond {over} and noise"


def _rate(status: Status, rate: Estimate | None) -> str:
    return with_half(rate, "{:,.0f}") if status == "ok" else status
