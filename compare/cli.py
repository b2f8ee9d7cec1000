"""The command line: `compare --task lm`, and the commands beside it."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import BaseModel
from typer.exceptions import TyperException

from compare import commands, generate, options, playing, reporting
from compare.contracts import ReportFormat
from compare.errors import UserError
from compare.plan import make_plan
from compare.plugins import installed, load_reports
from compare.records import Request
from compare.results import RunFolder
from compare.summary import CellSummary
from compare.sweep import SweepFolder, is_sweep, parse_axes
from compare.version import VERSION

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

BAD_INPUT = 2
INTERRUPTED = 130


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


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run or a sweep.")],
    json: options.Json = False,
) -> None:
    """Make the reports of a run or sweep anew."""
    if is_sweep(run):
        _end_sweep(SweepFolder(run), False, json)
    _end_run(RunFolder(run), False, json)


def _end_run(folder: RunFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a run, and exit."""
    summary = reporting.report_run(folder)
    _show([report.render(summary) for report in _printed()], summary, folder.path, json)
    raise typer.Exit(INTERRUPTED if interrupted else _exit_code(summary.cells))


def _end_sweep(folder: SweepFolder, interrupted: bool, json: bool) -> NoReturn:
    """Report a sweep, and exit."""
    summary = reporting.report_sweep(folder)
    _show([report.render_sweep(summary) for report in _printed()], summary, folder.path, json)
    codes = [_exit_code(point.summary.cells) for point in summary.points if point.summary]
    raise typer.Exit(INTERRUPTED if interrupted else max(codes, default=1))


def _printed() -> list[ReportFormat]:
    return [report for report in load_reports() if not report.filename]


def _show(texts: list[str | bytes], summary: BaseModel, path: Path, json: bool) -> None:
    if json:
        print(summary.model_dump_json(indent=2))
        return
    for text in texts:
        print(text if isinstance(text, str) else text.decode(), end="")
    print(f"written to {path}")


def _exit_code(cells: Sequence[CellSummary]) -> int:
    """0 if at least one backend ran and none went wrong."""
    statuses = {cell.status for cell in cells}
    return 0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1


app.command("list")(commands.list_)
app.command()(commands.doctor)
app.command()(commands.audit)
app.command()(commands.check_backend)
app.command()(generate.generate)


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
