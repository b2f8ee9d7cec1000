"""`compare report`: a run, several runs as one or in a table, or a sweep, in any format."""

import webbrowser
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import typer

from compare.archive.across import CrossTable
from compare.archive.stored import store
from compare.archive.together import Reported, read_together
from compare.commands import options
from compare.commands.ending import exit_code, show
from compare.errors import UserError, unknown
from compare.findings.summary import Summary
from compare.records.run_folder import RunFolder
from compare.reporting.contract import ReportFormat
from compare.reporting.loading import load_reports
from compare.reporting.writing import able, by_default, rendered, write

PictureKind = Literal["png", "svg"]


class _Asked(NamedTuple):
    formats: list[ReportFormat]
    plots: list[PictureKind]
    opened: ReportFormat | None

    @property
    def anything(self) -> bool:
        return bool(self.plots or self.opened)


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, a sweep, or a folder of runs.")],
    format_: Annotated[
        str, typer.Option("--format", help="Such as html,latex; see `compare list`.")
    ] = "",
    plots: Annotated[str, typer.Option(help="Each plot as a picture: png, svg or both.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; the run's own by default.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in a browser.")] = False,
    json: options.Json = False,
) -> None:
    """Make the report of runs anew, of several as one, or across experiments."""
    asked = _Asked(_formats(format_), _kinds(plots), _opened() if open_ else None)
    summary, problems = read_together(runs)
    if asked.plots and not isinstance(summary, Summary):
        raise UserError("--plots draws one run: give one of these, or of a sweep's points")
    is_own = len(runs) == 1 and not problems and not isinstance(summary, CrossTable)
    where = out or (runs[0] if is_own else None)
    if where is None and (format_ or asked.anything):
        why = "that cannot be read whole is left as it is" if problems else "would be in no folder"
        raise UserError(f"--out is missing: what {why}")
    written = [_write(summary, asked, where, own=out is None)] if where else []
    show(summary, written, json)
    raise typer.Exit(exit_code(summary))


def _write(summary: Reported, asked: _Asked, where: Path, own: bool) -> Path:
    """Write what was asked for; the folder that it is in."""
    formats = [*asked.formats, *([asked.opened] if asked.opened else [])]
    chosen = list(dict.fromkeys(formats)) or able(by_default(), summary)
    contents = [(one, rendered(one, summary, where)) for one in chosen]
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to '{where}': {error.strerror}") from None
    if own and isinstance(summary, Summary):
        store(RunFolder(where), summary)
    for one, content in contents:
        write(where, one, content)
    if isinstance(summary, Summary):
        for kind in asked.plots:
            _draw(summary, kind, where)
    if asked.opened and asked.opened.filename:
        webbrowser.open((where / asked.opened.filename).resolve().as_uri())
    return where


def _draw(summary: Summary, kind: PictureKind, where: Path) -> None:
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
