"""`compare export`: a run, or every point of a sweep, handed on to another tool."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from compare.archive.stored import summary_of
from compare.archive.tidy import point_id
from compare.commands import completion, options
from compare.commands.options import what, where
from compare.errors import UserError
from compare.plugins import installed
from compare.records.reading import FoundRecords, read
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.reporting.loading import load_exporter

EXPORTS = ", ".join(sorted(installed("export")))


def export(
    run: options.Run,
    to: Annotated[str, what(help=f"One of {EXPORTS}.", autocompletion=completion.plugin("export"))],
    target: Annotated[
        str,
        where(help="Folder or address; else the tool's own.", autocompletion=completion.nothing),
    ] = "",
) -> None:
    """Hand a run on to another tool.

    Examples:
    compare export results/RUN --to tensorboard --target boards
    """
    exporter = load_exporter(to)
    written = []
    for prefix, found in _runs(run):
        summary = summary_of(found)
        if prefix:
            summary.run_id = point_id(prefix, summary.run_id)
        for problem in found.problems:
            print(f"compare: {summary.run_id}: {problem}", file=sys.stderr)
        written.append(exporter.export(summary, found.records, target))
    if not written:
        raise UserError(f"'{run}' has nothing to export: none of its points was begun")
    for place in dict.fromkeys(written):
        print(f"exported to {place}")


def _runs(path: Path) -> Iterator[tuple[str, FoundRecords]]:
    """Each run with the name of the sweep that it is a point of; points that cannot be read are
    told of and left out."""
    if not is_sweep(path):
        above = path.absolute().parent
        yield (SweepFolder(above).sweep().run_id if is_sweep(above) else ""), read(RunFolder(path))
        return
    folder = SweepFolder(path)
    sweep = folder.sweep()
    for point in sweep.points:
        at = folder.run_folder(point)
        if at.exists():
            try:
                found = read(at)
            except UserError as error:
                print(f"compare: {error}", file=sys.stderr)
                continue
            yield sweep.run_id, found
