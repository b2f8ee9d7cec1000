"""Writing the reports of a run or a sweep into its folder."""

from collections.abc import Sequence
from pathlib import Path

from compare.contracts import ReportFormat
from compare.plugins import load_reports
from compare.reading import STORED, StoredSummary, read_records, summarise_sweep
from compare.results import RunFolder
from compare.scaling import SweepSummary
from compare.summary import Summary, summarise
from compare.sweep import SweepFolder
from compare.version import VERSION


def report_run(folder: RunFolder, formats: Sequence[ReportFormat] | None = None) -> Summary:
    """Summarise the records and write the reports of these formats, by default those that every
    run writes."""
    summary = summarise(read_records(folder))
    store(folder, summary)
    for report in _with_file(formats):
        write(folder.path, report, report.render(summary))
    return summary


def report_sweep(
    folder: SweepFolder, formats: Sequence[ReportFormat] | None = None
) -> SweepSummary:
    """The same of a sweep, from its points' summaries put together."""
    summary = summarise_sweep(folder)
    for report in _with_file(formats):
        write(folder.path, report, report.render_sweep(summary))
    return summary


def store(folder: RunFolder, summary: Summary) -> None:
    """Keep a summary beside the records that it was made of, to be read faster."""
    stored = StoredSummary(suite_version=VERSION, records_bytes=folder.size(), summary=summary)
    (folder.path / STORED).write_text(stored.model_dump_json(), encoding="utf-8")


def write(folder: Path, report: ReportFormat, content: str | bytes) -> Path:
    """Write what a format rendered under its file name."""
    assert report.filename
    path = folder / report.filename
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _with_file(formats: Sequence[ReportFormat] | None) -> list[ReportFormat]:
    chosen = [one for one in load_reports() if one.by_default] if formats is None else formats
    return [one for one in chosen if one.filename]
