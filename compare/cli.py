"""The command line: `compare --task lm`, and the commands beside it."""

import gc
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from compare import (
    commands,
    diff_command,
    export_command,
    generate,
    history,
    options,
    playing,
    report_command,
    reporting,
    serve,
)
from compare.errors import UserError
from compare.plan import make_plan
from compare.plugins import installed
from compare.records import Request
from compare.results import RunFolder
from compare.scaling import SweepSummary
from compare.showing import INTERRUPTED, exit_code, show
from compare.summary import Summary
from compare.sweep import SweepFolder, is_sweep, parse_axes
from compare.version import VERSION

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

BAD_INPUT = 2


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    task: Annotated[str | None, typer.Option(help="What to train; see `compare list`.")] = None,
    preset: Annotated[str, typer.Option(help="Size of the experiment.")] = "small",
    backend: options.Backend = "",
    data: options.Data = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the initial weights.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh processes per backend.")] = None,
    precision: Annotated[str | None, typer.Option(help="Time on until, e.g., within 2%.")] = None,
    budget: Annotated[str | None, typer.Option(help="But no longer than, e.g., 10m.")] = None,
    control: Annotated[bool, typer.Option(help="Each backend twice: its own noise.")] = False,
    sweep: options.Sweep = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of each backend.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda[:N] or mps.")] = None,
    target: Annotated[str | None, typer.Option(help="Time until e.g. loss=5.5 or bleu=20.")] = None,
    price_per_hour: Annotated[float | None, typer.Option(help="Of the machine.")] = None,
    save_weights: Annotated[bool, typer.Option(help="Keep them, for `compare generate`.")] = False,
    set_: options.Set = None,
    config: options.Config = None,
    python: options.Python = None,
    out: options.Out = Path("results"),
    json: options.Json = False,
    version: Annotated[bool, typer.Option("--version", help="Of this suite.")] = False,
) -> None:
    """Train one language model identically on every framework, and compare."""
    if context.invoked_subcommand is not None:
        return
    if version:
        print(VERSION)
        return
    if task is None:
        raise UserError(f"--task is missing: there is {', '.join(sorted(installed('task')))}")
    given: dict[str, dict[str, Any]] = {
        "task": {"data": data},
        "train": {"steps": steps, "seed": seed},
        "run": {
            "rounds": rounds, "precision": precision, "budget": budget, "control": control or None,
            "threads": threads, "device": device, "target": target,
            "price_per_hour": price_per_hour, "save_weights": save_weights or None,
        },
    }  # fmt: skip
    request = Request(
        task=task,
        preset=preset,
        overrides=options.overrides(config, set_, given),
        backends=options.split_backends(backend),
        pythons=options.interpreters(python),
    )
    command = ["compare", *sys.argv[1:]]
    if sweep:
        swept = SweepFolder.create(out, request, parse_axes(sweep), command)
        _end_sweep(swept, playing.play_sweep(swept, command), json)
    plan = make_plan(request, command)
    folder = RunFolder.create(out, plan.task.name, preset)
    _end_run(folder, playing.play_run(plan, folder), json)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="Folder of a run or a sweep.")],
    json: options.Json = False,
) -> None:
    """Play what a run or sweep has not finished."""
    command = ["compare", *sys.argv[1:]]
    if is_sweep(run):
        _end_sweep(SweepFolder(run), playing.resume_sweep(SweepFolder(run), command), json)
    _end_run(RunFolder(run), playing.resume_run(RunFolder(run), command), json)


def _end_run(folder: RunFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a run, and exit."""
    _end(reporting.report_run(folder), folder.path, interrupted, json)


def _end_sweep(folder: SweepFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a sweep, and exit."""
    _end(reporting.report_sweep(folder), folder.path, interrupted, json)


def _end(summary: Summary | SweepSummary, path: Path, interrupted: bool, json: bool) -> NoReturn:
    show(summary, [path], json)
    raise typer.Exit(INTERRUPTED if interrupted else exit_code(summary))


app.command()(report_command.report)
app.command("list")(commands.list_)
app.command()(commands.doctor)
app.command()(commands.audit)
app.command()(commands.check_backend)
app.command()(generate.generate)
app.command()(diff_command.diff)
app.command()(export_command.export)
app.command()(history.history)
app.command()(serve.serve)


def main() -> None:
    """Entry point: errors that a user caused are one line on stderr and exit code 2."""
    gc.set_threshold(100_000)  # to look for garbage among many summaries takes longer than to read
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        code = _complain(str(error))
    except TyperException as error:
        code = _complain(" ".join(error.format_message().split()))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    sys.exit(code)


def _complain(message: str) -> int:
    print(f"compare: {message}", file=sys.stderr)
    return BAD_INPUT
