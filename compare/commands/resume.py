"""`compare resume`: play what a run, sweep or suite has not finished."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from compare.cluster.loading import load_engine
from compare.cluster.spread import machines, spread
from compare.commands import completion, options
from compare.commands.ending import end_run, end_suite, end_sweep
from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.records.reading import read_records
from compare.records.record_types import header_of
from compare.records.run_folder import RunFolder
from compare.records.suite_folder import SuiteFolder, is_suite
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.reporting.showing import required_across, required_of_run, required_of_sweep
from compare.running.jobs import resume_run, resume_suite, resume_sweep
from compare.running.progress import watched


def resume(
    run: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run, a sweep or a suite.", autocompletion=completion.run_folder
        ),
    ],
    wide: options.Wide = False,
    columns: options.Columns = "",
    baseline: options.Baseline = "",
    verbose: options.Verbose = False,
    cluster: options.Cluster = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Play what a run, sweep or suite has not finished.

    Examples:
    compare resume results/RUN
    """
    command = options.command_line()
    view = options.view(wide, columns, baseline, verbose)
    if is_sweep(run):
        swept = SweepFolder(run)
        view = required_of_sweep(view, load_task(swept.sweep().request.task).metrics)
        engine = load_engine(cluster) if cluster else None
        with watched(quiet) as progress, ExitStack() as held:
            stages = held.enter_context(machines(*engine, progress)) if engine else []
            interrupted = (
                spread(swept, engine[0], stages, progress)
                if engine
                else resume_sweep(swept, command, progress)
            )
        end_sweep(swept, interrupted, json, view)
    if cluster:
        raise UserError(f"--cluster is of a sweep, and '{run.name}' is none")
    if is_suite(run):
        suite = SuiteFolder(run)
        view = required_across(view)
        with watched(quiet) as progress:
            interrupted = resume_suite(suite, command, progress)
        end_suite(suite, interrupted, json, view)
    folder = RunFolder(run)
    begun = header_of(read_records(folder))
    labels = [cell.label for cell in begun.cells]
    view = required_of_run(view, labels, begun.metrics, begun.run["target"])
    with watched(quiet) as progress:
        interrupted = resume_run(folder, command, progress)
    end_run(folder, interrupted, json, view)
