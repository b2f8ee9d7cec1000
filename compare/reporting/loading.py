"""Loading report formats and exporters."""

from typing import cast

from compare.errors import unknown
from compare.plugins import installed
from compare.reporting.contract import Exporter, ReportFormat


def load_reports() -> list[ReportFormat]:
    """Every installed report format, in the order of their names."""
    points = installed("report")
    return [cast(ReportFormat, points[name].load()) for name in sorted(points)]


def load_exporter(name: str) -> Exporter:
    """The exporter of this name; raises UserError with the nearest names."""
    points = installed("export")
    if name not in points:
        raise unknown("export", name, points)
    return cast(Exporter, points[name].load())
