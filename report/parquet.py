"""The table that `compare.load` gives, as Parquet: one row per backend and mode."""

import io
from typing import Any

from compare.archive.across import CrossTable, tidy
from compare.archive.scaling import SweepSummary
from compare.archive.tidy import rows_of, rows_of_sweep
from compare.extras import needed
from compare.findings.summary import Summary


class ParquetReport:
    name = "parquet"
    filename = "summary.parquet"
    by_default = False

    def render(self, summary: Summary) -> bytes:
        return _parquet(rows_of(summary))

    def render_sweep(self, sweep: SweepSummary) -> bytes:
        return _parquet(rows_of_sweep(sweep))

    def render_across(self, table: CrossTable) -> bytes:
        return _parquet(tidy(table))


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    from compare.archive.frame import frame_of  # pandas, for which no other format has to wait

    needed("pyarrow", "parquet")
    buffer = io.BytesIO()
    frame_of(rows).to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


report = ParquetReport()
