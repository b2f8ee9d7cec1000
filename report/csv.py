"""The table as CSV: plain numbers in seconds, bytes and nats, one row per backend and mode."""

import csv
import io
from itertools import chain

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
    columns = list(dict.fromkeys(chain.from_iterable(rows)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        found = map(row.get, columns)
        writer.writerow([value if value == value else None for value in found])  # NaN is not
    return text.getvalue()


report = CsvReport()
