"""`compare report`: a run, several runs of one experiment, or a sweep, in any format."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import typer

from compare.archive.scaling import SweepSummary
from compare.archive.stored import read_sweep, store, summary_of
from compare.commands import completion, options
from compare.commands.ending import exit_code, show
from compare.commands.options import told, what, where
from compare.errors import UserError, unknown
from compare.findings.notes import repeated, unlike
from compare.findings.summary import Summary
from compare.records import merging
from compare.records.reading import FoundRecords, read
from compare.records.record_types import header_of
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.reporting.contract import ReportFormat
from compare.reporting.loading import load_reports
from compare.reporting.showing import View, required_of_run, required_of_sweep
from compare.reporting.writing import by_default, main_file, rendered, write, write_run

PictureKind = Literal["png", "svg"]


class _Asked(NamedTuple):
    formats: list[ReportFormat]
    plots: list[PictureKind]
    opened: ReportFormat | None

    @property
    def anything(self) -> bool:
        return bool(self.plots or self.opened)


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of runs of one experiment, or of one sweep.",
            autocompletion=completion.run_folder,
        ),
    ],
    format_: Annotated[
        str,
        what(
            "--format",
            help="Such as html,latex; see `compare list`.",
            autocompletion=completion.plugin("report"),
        ),
    ] = "",
    plots: Annotated[
        str,
        what(
            help="Each plot as a picture: png, svg or both, with a comma.",
            autocompletion=completion.one_of(*get_args(PictureKind)),
        ),
    ] = "",
    out: Annotated[
        Path | None,
        where(
            help="Folder for the files; the run's own by default.",
            autocompletion=completion.nothing,
        ),
    ] = None,
    open_: Annotated[bool, told("--open", help="Show it in a browser.")] = False,
    wide: options.Wide = False,
    columns: options.Columns = "",
    baseline: options.Baseline = "",
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Make the report of runs anew, or of several as one.

    Examples:
    compare report results/RUN --open
    compare report results/RUN --format latex,parquet --plots svg --out paper
    """
    asked = _Asked(_formats(format_), _kinds(plots), _opened() if open_ else None)
    summary, problems = _read(runs)
    view = _required(options.view(wide, columns, baseline, verbose), summary)
    where = out or (runs[0] if len(runs) == 1 and not problems else None)
    if where is None and (format_ or asked.anything):
        why = "that cannot be read whole is left as it is" if problems else "would be in no folder"
        raise UserError(f"--out is missing: what {why}")
    written = [_write(summary, asked, where, own=out is None)] if where else []
    show(summary, written, json, view)
    raise typer.Exit(exit_code(summary))


def _read(runs: Sequence[Path]) -> tuple[Summary | SweepSummary, list[str]]:
    """What the runs sum up to, and what cannot be read of them."""
    swept = [run for run in runs if is_sweep(run)]
    if swept and len(runs) > 1:
        raise UserError(f"'{swept[0]}' is a sweep, which has a report of its own")
    if swept:
        return read_sweep(SweepFolder(swept[0]))
    found = [read(RunFolder(run)) for run in runs]
    if len(found) == 1:
        return summary_of(found[0]), found[0].problems
    problems = [
        f"{run.name}: {problem}"
        for run, one in zip(runs, found, strict=True)
        for problem in one.problems
    ]
    records = [one.records for one in found]
    headers = [header_of(run) for run in merging.once(records)]
    ids = [header_of(run).run_id for run in records]
    twice = [header.run_id for header in headers if ids.count(header.run_id) > 1]
    whole = merging.once(records)[0] if len(headers) == 1 else merging.merged(records)
    summary = summary_of(FoundRecords(list(whole), problems))
    summary.notes += [*unlike(headers[0].run_id, merging.unlike(headers)), *repeated(twice)]
    return summary, problems


def _required(view: View, summary: Summary | SweepSummary) -> View:
    if isinstance(summary, SweepSummary):
        played = [point.summary for point in summary.points if point.summary]
        return required_of_sweep(view, played[0].metrics if played else [])
    labels = [cell.label for cell in summary.cells]
    return required_of_run(view, labels, summary.metrics, summary.target)


def _write(summary: Summary | SweepSummary, asked: _Asked, where: Path, own: bool) -> Path:
    """Write what was asked for; the file to look at, or the folder that all are in."""
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to '{where}': {error.strerror}") from None
    if own and isinstance(summary, Summary):
        store(RunFolder(where), summary)
    formats = [*asked.formats, *([asked.opened] if asked.opened else [])] or by_default()
    # A page that others lead to is there before them.
    for one in sorted(dict.fromkeys(formats), key=lambda one: one.name):
        if isinstance(summary, Summary):
            write_run(where, one, summary)
        else:
            write(where, one, rendered(one, summary))
    for kind in asked.plots:
        _draw(summary, kind, where)
    if asked.opened and asked.opened.filename:
        webbrowser.open((where / asked.opened.filename).resolve().as_uri())
    return main_file(where, formats)


def _draw(summary: Summary | SweepSummary, kind: PictureKind, where: Path) -> None:
    if isinstance(summary, SweepSummary):
        raise UserError("--plots draws a run: give one of the sweep's points")
    (where / "plots").mkdir(exist_ok=True)
    for one in load_reports():
        drawn = one.plots(summary, kind) if hasattr(one, "plots") else {}
        for name, picture in drawn.items():
            (where / "plots" / f"{name}.{kind}").write_bytes(picture)


def _formats(text: str) -> list[ReportFormat]:
    """The formats of a comma-separated `--format`, each by its name or its file's ending."""
    with_file = [one for one in load_reports() if one.filename]
    known = {str(one.filename).rpartition(".")[2]: one for one in with_file}
    known |= {one.name: one for one in with_file}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise unknown("format", name, known)
    return list(dict.fromkeys(known[name] for name in names))


def _kinds(text: str) -> list[PictureKind]:
    kinds: list[PictureKind] = []
    for name in [name.strip() for name in text.split(",") if name.strip()]:
        if name not in get_args(PictureKind):
            raise unknown("kind of picture", name, get_args(PictureKind), "--plots")
        kinds += [kind for kind in get_args(PictureKind) if kind == name]
    return kinds


def _opened() -> ReportFormat:
    """The format that a browser shows."""
    for one in load_reports():
        if (one.filename or "").endswith(".html"):
            return one
    raise UserError("--open: no installed report format is made for a browser")
