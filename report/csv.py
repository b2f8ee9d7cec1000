"""The table as CSV: plain numbers in seconds, bytes and nats, one row per backend and mode."""

import csv
import io

from compare.archive.across import CrossTable, tidy
from compare.archive.scaling import SweepSummary
from compare.archive.tidy import figures_of
from compare.findings.summary import Summary


class CsvReport:
    name = "csv"
    filename = "summary.csv"
    by_default = True

    def render(self, summary: Summary) -> str:
        return _csv([{"run_id": summary.run_id, **figures_of(cell)} for cell in summary.cells])

    def render_sweep(self, sweep: SweepSummary) -> str:
        return _csv(
            [
                {"run_id": sweep.run_id, **point.values, **figures_of(cell)}
                for point in sweep.points
                if point.summary
                for cell in point.summary.cells
            ]
        )

    def render_across(self, table: CrossTable) -> str:
        return _csv(tidy(table))


def _csv(rows: list[dict[str, object]]) -> str:
    """With every column that any row has; what a row lacks, or has no number for, is empty."""
    columns = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    for row in rows:  # NaN alone is not equal to itself
        writer.writerow({name: value for name, value in row.items() if value == value})
    return text.getvalue()


report = CsvReport()
