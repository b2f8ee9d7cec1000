"""Writing the reports of a run or a sweep into its folder."""

from collections.abc import Sequence
from pathlib import Path

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.archive.stored import read_sweep, summarise_anew
from compare.archive.together import Reported
from compare.errors import UserError, writing
from compare.findings.summary import Summary
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder
from compare.reporting.contract import AcrossFormat, ReportFormat
from compare.reporting.linking import address_of_report
from compare.reporting.loading import load_reports


def report_run(folder: RunFolder, formats: Sequence[ReportFormat] | None = None) -> Summary:
    """Summarise the records and write the reports of these formats, by default those that every
    run writes. A folder of which not all can be read is left as it is."""
    summary, problems = summarise_anew(folder)
    if problems:
        return summary
    for report in by_default() if formats is None else formats:
        write_run(folder.path, report, summary)
    return summary


def report_sweep(
    folder: SweepFolder, formats: Sequence[ReportFormat] | None = None
) -> SweepSummary:
    """The same of a sweep, from its points' summaries put together."""
    summary, problems = read_sweep(folder)
    if problems:
        return summary
    for report in by_default() if formats is None else formats:
        write(folder.path, report, report.render_sweep(summary))
    return summary


def rendered(report: ReportFormat, summary: Reported, where: Path | None = None) -> str | bytes:
    """What a format makes of a run, of a sweep or of a table across experiments.

    Links in such a table are relative to the folder `where`, or absolute. Raises UserError for a
    format that makes none.
    """
    if isinstance(summary, CrossTable):
        if not isinstance(report, AcrossFormat):
            raise UserError(f"the report format '{report.name}' has no table across experiments")
        return report.render_across(summary.linked(lambda run: address_of_report(run, where)))
    if isinstance(summary, SweepSummary):
        return report.render_sweep(summary)
    return report.render(summary)


def write_run(folder: Path, report: ReportFormat, summary: Summary) -> None:
    """Write what a format makes of a run: its file, and what that shows."""
    if not hasattr(report, "files"):
        write(folder, report, report.render(summary))
        return
    for name, content in report.files(summary, folder).items():
        _write(folder / name, content)


def able(reports: Sequence[ReportFormat], summary: Reported) -> list[ReportFormat]:
    """Those of some formats that can render it."""
    return [
        r for r in reports if isinstance(r, AcrossFormat) or not isinstance(summary, CrossTable)
    ]


def report_across(folder: Path, table: CrossTable) -> None:
    """Write a table across experiments into a folder, in the formats that every run writes."""
    for report in able(by_default(), table):
        write(folder, report, rendered(report, table, folder))


def write(folder: Path, report: ReportFormat, content: str | bytes) -> Path:
    """Write what a format rendered under its file name."""
    assert report.filename
    path = folder / report.filename
    _write(path, content)
    return path


def _write(path: Path, content: str | bytes) -> None:
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def main_file(folder: Path, formats: Sequence[ReportFormat]) -> Path:
    """Of the files that these formats wrote into a folder, the one that a browser shows; the
    folder where there is none."""
    names = [one.filename for one in formats if one.filename]
    page = next((name for name in names if name.endswith(".html")), None)
    return folder / page if page and (folder / page).exists() else folder


def by_default() -> list[ReportFormat]:
    """The formats that every run writes into its folder."""
    return [one for one in load_reports() if one.by_default and one.filename]
