"""How a reader wants the table that is printed, and printing it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from compare.archive.across import CrossTable
from compare.archive.together import Reported
from compare.errors import UserError, unknown
from compare.reporting.linking import address_of_report
from compare.reporting.loading import load_reports
from compare.reporting.writing import able, rendered


class View(NamedTuple):
    """`columns` are titles, in the order in which they are wanted; `baseline` is the row that the
    others are held against, the fastest where it is empty."""

    wide: bool = False
    columns: tuple[str, ...] = ()
    baseline: str = ""
    verbose: bool = False


class Shows(Protocol):
    """A report format that is printed as a reader wants it; one without is printed as it is."""

    def require_columns(self, names: Sequence[str], metrics: Sequence[str], target: str) -> None:
        """Raise UserError for a name that is no column of a task with these metrics."""
        ...

    def require_figures(self, names: Sequence[str]) -> None:
        """Raise UserError for a name that is no figure of a table across experiments."""
        ...

    def show(self, summary: Reported, view: View) -> str:
        """The cells of a table across experiments have the `link` to their own report."""
        ...


def required_of_run(view: View, labels: Sequence[str], metrics: Sequence[str], target: str) -> View:
    """The view with the whole label of its baseline; raises UserError where what it names is not
    there, which can be told before anything is played: among the `labels` of the rows, or as a
    column of a task with these metrics."""
    for report in _printed():
        report.require_columns(view.columns, metrics, target)
    return view._replace(baseline=_label(view.baseline, labels))


def required_of_sweep(view: View, metrics: Sequence[str]) -> View:
    """The same of a sweep, whose points may have targets of their own: "to target"."""
    if view.baseline:
        raise UserError("--baseline is a row of a run: report one of the sweep's points with it")
    return required_of_run(view, [], metrics, "target")


def required_across(view: View) -> View:
    """Of a table across experiments, whose columns are its figures, all of which it has anyway;
    raises UserError for what it has nothing of."""
    if view.baseline:
        raise UserError("--baseline is a row of one experiment: report one of them with it")
    for report in _printed():
        report.require_figures(view.columns)
    return view


def shown(summary: Reported, view: View) -> str:
    """What every format that has no file makes of a summary."""
    others = [r for r in load_reports() if not r.filename and not hasattr(r, "show")]
    if isinstance(summary, CrossTable):
        others = able(others, summary)
        summary = summary.linked(address_of_report)
    showing = [report.show(summary, view) for report in _printed()]
    return "".join([*(str(rendered(report, summary)) for report in others), *showing])


def _printed() -> list[Shows]:
    found = [report for report in load_reports() if not report.filename]
    return [cast(Shows, report) for report in found if hasattr(report, "show")]


def _label(name: str, labels: Sequence[str]) -> str:
    """The row that is meant: by its label, or by its backend where that has one row only."""
    if not name or name in labels:
        return name
    of_backend = [label for label in labels if label.rpartition(":")[0] == name]
    if not of_backend:
        raise unknown("row", name, labels, "--baseline")
    if len(of_backend) > 1:
        raise UserError(f"--baseline {name} is more than one row: {', '.join(of_backend)}")
    return of_backend[0]
