"""What does it take? Memory, and the time from a cold start."""

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import memory, seconds
from compare.findings.summary import Summary

from . import bars, cold_start
from .bars import Stack
from .figures import Figure, listed

_BYTES = (
    "datum.value >= 1e9 ? format(datum.value / 1e9, '.3~g') + ' GB'"
    " : format(datum.value / 1e6, '.3~g') + ' MB'"
)


def memory_held(summary: Summary) -> Figure | None:
    cells = [cell for cell in summary.cells if cell.peak_memory_bytes]
    if not cells:
        return None
    stacks = [stack for cell in cells for stack in _held(cell)]
    held = [
        f"{cell.label} {memory(cell.peak_memory_bytes)}"
        + (f" (idle {memory(cell.idle_memory_bytes)})" if cell.idle_memory_bytes else "")
        + (f", on {cell.device} {memory(cell.device_peak_memory_bytes)}"
           if cell.device_peak_memory_bytes else "")
        for cell in cells
    ]  # fmt: skip
    caption = "Memory of each worker at its peak in training, and what of it its framework held"
    caption += " before, having only been imported"
    if any(cell.device_peak_memory_bytes for cell in cells):
        caption += "; on a device, what was allocated there at most"
    return Figure(
        "memory",
        bars.stacked(stacks, "", memory, _BYTES),
        f"{caption}.",
        f"Peak memory: {listed(held)}.",
    )


def _held(cell: CellSummary) -> list[Stack]:
    peak, idle = cell.peak_memory_bytes or 0, cell.idle_memory_bytes
    parts = {"at its peak": peak}
    if idle is not None:
        parts = {"imported framework": min(idle, peak), "training": max(0, peak - idle)}
    stacks = [Stack(cell.label, cell.label, parts, memory(peak))]
    if on_device := cell.device_peak_memory_bytes:
        row = f"{cell.label} on {cell.device}"
        stacks.append(Stack(row, cell.label, {"on the device": on_device}, memory(on_device)))
    return stacks


def cold_start_of(summary: Summary) -> Figure | None:
    starts, steps = cold_start.starts(summary), summary.experiment["train"]["steps"]
    if not starts:
        return None
    stacks = [
        Stack(
            start.label,
            start.label,
            {**start.phases, "training": steps * start.step_seconds},
            seconds(start.after(steps)),
        )
        for start in starts
    ]
    totals = [f"{start.label} {seconds(start.after(steps))}" for start in starts]
    return Figure(
        "cold-start",
        bars.stacked(stacks, f"seconds to train {steps:,} steps from a cold start", seconds),
        f"From starting the process to the last of {steps:,} training steps, at the pace that was"
        " measured; evaluation is not in it.",
        f"Time to train {steps:,} steps from a cold start: {listed(totals)}.",
    )
