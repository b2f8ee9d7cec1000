"""The table as CSV: plain numbers in seconds, bytes and nats, one row per backend and mode."""

import pandas as pd

from compare.results import Estimate
from compare.summary import CellSummary, Summary


class CsvReport:
    name = "csv"
    filename = "summary.csv"

    def render(self, summary: Summary) -> str:
        rows = [{"run_id": summary.run_id, **_flat(cell)} for cell in summary.cells]
        text: str = pd.DataFrame(rows).to_csv(index=False)
        return text


def _flat(cell: CellSummary) -> dict[str, object]:
    row: dict[str, object] = {}
    for name in CellSummary.model_fields:
        value = getattr(cell, name)
        if name == "losses":
            row["final_training_loss"] = value[-1] if value else None
        elif name in ("tokens_per_second", "ratio_to_fastest"):
            row |= _with_ends(name, value)
        elif name == "quality":
            for metric, score in value.items():
                row |= _with_ends(metric, score)
        elif name == "versions":
            row[name] = " ".join(f"{library}={version}" for library, version in value.items())
        elif name != "log_tail":
            row[name] = value
    return row


def _with_ends(name: str, found: Estimate | None) -> dict[str, object]:
    ends = found or Estimate(value=float("nan"), low=None, high=None)
    return {name: ends.value, f"{name}_low": ends.low, f"{name}_high": ends.high}


report = CsvReport()
