"""The table that the terminal and Markdown show: its columns, and each cell as text."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from compare.results import Estimate
from compare.summary import CellSummary, Summary

NOTHING = "–"


class Column(NamedTuple):
    title: str
    text: Callable[[CellSummary], str]


def columns(summary: Summary) -> list[Column]:
    """One row per backend and mode; every figure is explained by `legend`."""
    quality = [Column(name, partial(_quality, name)) for name in summary.metrics]
    # Perplexity is the language model's own metric.
    quality = quality or [Column("perplexity", lambda c: _number(c.perplexity, "{:,.1f}"))]
    if summary.target:
        quality.append(Column(f"to {summary.target}", lambda c: seconds(c.seconds_to_target)))
    return [
        Column("backend", lambda c: f"{c.backend}:{c.mode}"),
        Column("status", lambda c: c.status),
        Column("train loss", lambda c: f"{c.losses[-1]:.4f}" if c.losses else NOTHING),
        Column("valid. loss", lambda c: _number(c.validation_loss, "{:.4f}")),
        *quality,
        Column("tokens/s", lambda c: _estimate(c.tokens_per_second, "{:,.0f}")),
        Column("of fastest", lambda c: _estimate(c.ratio_to_fastest, "{:.3f}")),
        Column("step", lambda c: seconds(c.step_seconds)),
        Column("compile", lambda c: seconds(c.compile_seconds)),
        Column("peak memory", lambda c: memory(c.peak_memory_bytes)),
        Column("over idle", lambda c: memory(_over_idle(c))),
        Column("loss diff.", lambda c: _number(c.max_loss_difference, "{:.1e}")),
    ]


def legend(summary: Summary) -> list[str]:
    """What the columns mean that do not say it themselves."""
    lines = []
    if summary.metrics:
        lines.append(
            f"{', '.join(summary.metrics)}: with 95% bootstrap intervals over the examples"
        )
    if summary.target:
        lines.append(
            f"to {summary.target}: training time until validation reached it, compilation included"
        )
    return [
        *lines,
        "tokens/s and of fastest: with 95% intervals, the latter paired window by window",
        "compile: what the first steps took beyond a steady step",
        "peak memory: resident, while training; over idle: beyond the imported framework",
        "loss diff.: largest relative difference to another backend's loss at any step",
    ]


def sentences(summary: Summary) -> list[str]:
    """What stands between the table and the environment: ceilings, troubles, warnings."""
    lines = []
    data = summary.experiment["data"]
    if summary.floor is not None:
        line = f"No model can beat a loss of {summary.floor:.4f} on this data"
        sampled = data.get("validation_floor")
        lines.append(line + (f" ({sampled:.4f} on these validation tokens)." if sampled else "."))
    if summary.ceilings:
        best = ", ".join(f"{name} {value:.4g}" for name, value in summary.ceilings.items())
        lines.append(f"The rule that made these validation examples scores {best}: the ceiling.")
    shares = {"training": "truncated_share", "validation": "validation_truncated_share"}
    cut = [f"{data[key]:.1%} of {split}" for split, key in shares.items() if data.get(key)]
    if cut:
        lines.append(f"Cut off at the length that the spec allows: {' and '.join(cut)} examples.")
    for cell in summary.cells:
        if cell.reason:
            lines.append(f"{cell.backend}:{cell.mode} {cell.status}: {cell.reason}")
    return lines + [f"note: {note}" for note in summary.notes]


def environment(summary: Summary) -> list[str]:
    """Machine and software, a line each."""
    found = summary.environment
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return [
        f"{found['cpu']}, {found['cpus']} CPUs, {memory(found['memory_bytes'])}, "
        f"{found['threads']} threads",
        f"{found['system']}, Python {found['python']}" + (f", {versions}" if versions else ""),
        f"run {summary.run_id}, experiment {summary.fingerprint[:12]}",
    ]


def title(summary: Summary) -> str:
    """What was trained, in one line."""
    experiment = summary.experiment
    train, optimizer = experiment["train"], experiment["optimizer"]
    parameters = summary.cells[0].parameters if summary.cells else 0
    return (
        f"{experiment['task']} ({summary.preset}) on {experiment['data']['source']}: "
        f"{_model(experiment['model'])}{parameters:,} parameters, "
        f"{train['steps']} steps of {train['batch']} x "
        f"{train['sequence_length']} tokens, {optimizer['name']} {optimizer['learning_rate']:g}, "
        f"{train['precision']}"
    )


def _model(model: dict[str, Any]) -> str:
    """The layers that give a model its name: "2 elman layers of 200, "."""
    layers = [*model.get("encoder", ()), *model["layers"]]
    blocks = [layer for layer in layers if layer["kind"] == "transformer_block"]
    named = [
        f"{layer['layers']} {layer['cell']} layers of {layer['hidden']}"
        for layer in layers
        if layer["kind"] == "recurrent"
    ]
    if blocks:
        named.append(f"{len(blocks)} transformer blocks of {blocks[0]['width']}")
    return "".join(f"{name}, " for name in named)


def seconds(value: float | None) -> str:
    """A duration with a unit that keeps three digits."""
    if value is None:
        return NOTHING
    return f"{value:.1f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def memory(value: int | None) -> str:
    """Bytes as MB or GB (powers of ten)."""
    if value is None:
        return NOTHING
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def _over_idle(cell: CellSummary) -> int | None:
    if cell.peak_memory_bytes is None or cell.idle_memory_bytes is None:
        return None
    return max(0, cell.peak_memory_bytes - cell.idle_memory_bytes)


def _quality(name: str, cell: CellSummary) -> str:
    return _estimate(cell.quality.get(name), "{:.4g}")


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else form.format(value)


def _estimate(value: Estimate | None, form: str) -> str:
    if value is None:
        return NOTHING
    if value.low is None or value.high is None:
        return form.format(value.value)
    return f"{form.format(value.value)} ({form.format(value.low)}–{form.format(value.high)})"
