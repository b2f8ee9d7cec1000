"""The table that `compare.load` gives, as Parquet: one row per backend and mode."""

import io

import pandas as pd

from compare.archive.across import CrossTable, tidy
from compare.archive.frame import frame_of
from compare.archive.scaling import SweepSummary
from compare.archive.tidy import rows_of, rows_of_sweep
from compare.extras import needed
from compare.findings.summary import Summary


class ParquetReport:
    name = "parquet"
    filename = "summary.parquet"
    by_default = False

    def render(self, summary: Summary) -> bytes:
        return _parquet(frame_of(rows_of(summary)))

    def render_sweep(self, sweep: SweepSummary) -> bytes:
        return _parquet(frame_of(rows_of_sweep(sweep)))

    def render_across(self, table: CrossTable) -> bytes:
        return _parquet(frame_of(tidy(table)))


def _parquet(frame: pd.DataFrame) -> bytes:
    needed("pyarrow", "parquet")
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


report = ParquetReport()
