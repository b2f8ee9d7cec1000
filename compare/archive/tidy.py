"""A summary as flat rows, one per cell: what tables of many runs are made of."""

from collections.abc import Mapping
from typing import Any

from compare.archive.scaling import SweepSummary
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.records.groups import Groups
from compare.records.values import Estimate

TidyRow = dict[str, Any]

_WITH_ENDS = (
    "tokens_per_second", "ratio_to_fastest", "ratio_to_itself", "scaling_efficiency",
    "communication_share", "drift",
)  # fmt: skip
_LEFT_OUT = (
    "log_tail", "libraries", "loss_differences", "window_step_seconds", "window_places", "samples",
)  # fmt: skip
_MACHINE = ("cpu", "cpus", "threads", "system", "python")


def figures_of(cell: CellSummary) -> TidyRow:
    """Plain numbers in seconds, bytes and nats, and words: an interval as three columns."""
    row: TidyRow = {}
    for name in CellSummary.model_fields:
        value = getattr(cell, name)
        if name == "losses":
            row["final_training_loss"] = value[-1] if value else None
        elif name in _WITH_ENDS:
            row |= with_ends(name, value)
        elif name == "quality":
            for metric, score in value.items():
                row |= with_ends(metric, score)
        elif name == "groups":
            row |= _of_groups(value) if value else {}
        elif name == "phases":
            row |= {f"{phase}_seconds": spent for phase, spent in value.items()}
        elif name in ("noisy_windows", "contended_windows"):
            row[name] = len(value)
        elif name == "versions":
            row[name] = " ".join(f"{library}={version}" for library, version in value.items())
        elif name not in _LEFT_OUT:
            row[name] = value
    return row


def _of_groups(groups: Groups) -> TidyRow:
    """Differences of groups, and of texts and their twins, each as three columns."""
    row: TidyRow = {}
    for one in groups.gaps:
        row |= with_ends(f"{one.rate}_gap", one.gap)
    if groups.twins:
        row |= with_ends("twin_probability_gap", groups.twins.probability)
        row |= with_ends("twin_selection_gap", groups.twins.selection)
        row |= with_ends("twin_flips", groups.twins.flips)
    return row


def settings_of(experiment: Mapping[str, Any]) -> TidyRow:
    """The settings of an experiment that runs are told apart by.

    `architecture` is the kind of the hidden layers, `layers` how many they are and `hidden` how
    wide, those of an encoder counted in.
    """
    train, optimizer = experiment["train"], experiment["optimizer"]
    model = experiment["model"]
    layers = [*model.get("encoder", ()), *model["layers"]]
    recurrent = [layer for layer in layers if layer["kind"] == "recurrent"]
    blocks = [layer for layer in layers if layer["kind"] == "transformer_block"]
    kinds = [*(layer["cell"] for layer in recurrent), *("transformer" for _ in blocks)]
    widths = [*(layer["hidden"] for layer in recurrent), *(layer["width"] for layer in blocks)]
    return {
        "data": experiment["data"].get("source"),
        "architecture": "+".join(dict.fromkeys(kinds)),
        "layers": sum(layer["layers"] for layer in recurrent) + len(blocks),
        "hidden": max(widths, default=None),
        **train,
        "optimizer": optimizer["name"],
        "learning_rate": optimizer["learning_rate"],
    }


def rows_of(summary: Summary, swept: Mapping[str, Any] | None = None) -> list[TidyRow]:
    """One row per cell, with what is known of the run; `swept` are a sweep's values, by field."""
    found = summary.environment
    run: TidyRow = {
        "run_id": summary.run_id,
        "started": found["started"],
        "task": summary.experiment["task"],
        "preset": summary.preset,
        "fingerprint": summary.fingerprint,
    }
    about: TidyRow = {
        **settings_of(summary.experiment),
        **(swept or {}),
        **{name: found.get(name) for name in _MACHINE},
        "machine_memory_bytes": found.get("memory_bytes"),
    }
    return [{**run, **figures_of(cell), **about} for cell in summary.cells]


def rows_of_sweep(sweep: SweepSummary) -> list[TidyRow]:
    """The rows of every point that was begun, each under a run_id of its own."""
    return [
        {**row, "run_id": point_id(sweep.run_id, point.name)}
        for point in sweep.points
        if point.summary
        for row in rows_of(point.summary, point.values)
    ]


def point_id(sweep: str, point: str) -> str:
    """What the run of a sweep's point is called among others."""
    return f"{sweep}/{point}"


def with_ends(name: str, found: Estimate | None) -> TidyRow:
    ends = found or Estimate(value=float("nan"), low=None, high=None)
    return {name: ends.value, f"{name}_low": ends.low, f"{name}_high": ends.high}
