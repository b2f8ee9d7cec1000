"""`compare report`: a run, several runs as one or in a table, or a sweep, in any format."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import typer

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.archive.stored import store
from compare.archive.together import Reported, read_together
from compare.commands import completion, options
from compare.commands.ending import exit_code, show
from compare.commands.options import told, what, where
from compare.errors import UserError, unknown, writing
from compare.findings.summary import Summary
from compare.records.run_folder import RunFolder
from compare.reporting.contract import ReportFormat
from compare.reporting.loading import load_reports
from compare.reporting.showing import View, required_across, required_of_run, required_of_sweep
from compare.reporting.writing import able, by_default, main_file, rendered, write, write_run

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
            help="Run folders, a sweep, or a folder of runs.",
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
    """Make the report of runs anew, of several as one, or across experiments.

    Examples:
    compare report results/RUN --open
    compare report results/RUN --format latex,parquet --plots svg --out paper
    compare report results/LM results/TRANSLATION --out across
    """
    asked = _Asked(_formats(format_), _kinds(plots), _opened() if open_ else None)
    summary, problems = read_together(runs)
    view = _required(options.view(wide, columns, baseline, verbose), summary)
    is_own = len(runs) == 1 and not problems and not isinstance(summary, CrossTable)
    where = out or (runs[0] if is_own else None)
    if where is None and (format_ or asked.anything):
        why = "that cannot be read whole is left as it is" if problems else "would be in no folder"
        raise UserError(f"--out is missing: what {why}")
    written = [_write(summary, asked, where, own=out is None)] if where else []
    show(summary, written, json, view)
    if problems and len(runs) == 1 and where is None and not json:
        print("Report: not written, since not all could be read; --out FOLDER writes one")
    raise typer.Exit(exit_code(summary))


def _required(view: View, summary: Reported) -> View:
    if isinstance(summary, CrossTable):
        return required_across(view)
    if isinstance(summary, SweepSummary):
        played = [point.summary for point in summary.points if point.summary]
        return required_of_sweep(view, played[0].metrics if played else [])
    labels = [cell.label for cell in summary.cells]
    return required_of_run(view, labels, summary.metrics, summary.target)


def _write(summary: Reported, asked: _Asked, where: Path, own: bool) -> Path:
    """Write what was asked for; the file to look at, or the folder that all are in."""
    formats = list(dict.fromkeys([*asked.formats, *([asked.opened] if asked.opened else [])]))
    formats = formats or able(by_default(), summary)
    if isinstance(summary, Summary):
        _make(where)
        _write_reports(summary, formats, where, own)
    else:  # nothing is made where one of the formats cannot
        contents = [(one, rendered(one, summary, where)) for one in formats]
        _make(where)
        for one, content in contents:
            write(where, one, content)
    for kind in asked.plots:
        _draw(summary, kind, where)
    if asked.opened and asked.opened.filename:
        webbrowser.open((where / asked.opened.filename).resolve().as_uri())
    return main_file(where, formats)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to '{folder}': {error.strerror}") from None


def _write_reports(
    summary: Summary, formats: Sequence[ReportFormat], where: Path, own: bool
) -> None:
    if own:
        store(RunFolder(where), summary)
    # A page that others lead to is there before them.
    for one in sorted(formats, key=lambda one: one.name):
        write_run(where, one, summary)


def _draw(reported: Reported, kind: PictureKind, where: Path) -> None:
    (where / "plots").mkdir(exist_ok=True)
    for one in load_reports():
        drawn = one.plots(reported, kind) if hasattr(one, "plots") else {}
        for name, picture in drawn.items():
            path = where / "plots" / f"{name}.{kind}"
            with writing(path):
                path.write_bytes(picture)


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
