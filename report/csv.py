"""The table as CSV: plain numbers in seconds, bytes and nats, one row per backend and mode."""

import pandas as pd

from compare.records import Estimate
from compare.scaling import SweepSummary
from compare.summary import CellSummary, Summary

_WITH_ENDS = ("tokens_per_second", "ratio_to_fastest", "ratio_to_itself", "drift")
_LEFT_OUT = ("log_tail", "libraries")


class CsvReport:
    name = "csv"
    filename = "summary.csv"
    by_default = True

    def render(self, summary: Summary) -> str:
        return _csv([{"run_id": summary.run_id, **_flat(cell)} for cell in summary.cells])

    def render_sweep(self, sweep: SweepSummary) -> str:
        return _csv(
            [
                {"run_id": sweep.run_id, **point.values, **_flat(cell)}
                for point in sweep.points
                if point.summary
                for cell in point.summary.cells
            ]
        )


def _csv(rows: list[dict[str, object]]) -> str:
    text: str = pd.DataFrame(rows).to_csv(index=False)
    return text


def _flat(cell: CellSummary) -> dict[str, object]:
    row: dict[str, object] = {}
    for name in CellSummary.model_fields:
        value = getattr(cell, name)
        if name == "losses":
            row["final_training_loss"] = value[-1] if value else None
        elif name in _WITH_ENDS:
            row |= _with_ends(name, value)
        elif name == "quality":
            for metric, score in value.items():
                row |= _with_ends(metric, score)
        elif name == "phases":
            row |= {f"{phase}_seconds": spent for phase, spent in value.items()}
        elif name == "noisy_windows":
            row[name] = len(value)
        elif name == "versions":
            row[name] = " ".join(f"{library}={version}" for library, version in value.items())
        elif name not in _LEFT_OUT:
            row[name] = value
    return row


def _with_ends(name: str, found: Estimate | None) -> dict[str, object]:
    ends = found or Estimate(value=float("nan"), low=None, high=None)
    return {name: ends.value, f"{name}_low": ends.low, f"{name}_high": ends.high}


report = CsvReport()
