"""The command line: `compare --task lm`, and the commands beside it."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import TyperException

from compare import commands, generate, options
from compare.conductor import Conductor
from compare.errors import UserError
from compare.plan import Plan, make_plan
from compare.plugins import installed, load_reports
from compare.progress import LiveProgress, Silent
from compare.results import RunFolder
from compare.summary import Summary, summarise

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
    threads: Annotated[int | None, typer.Option(help="CPU threads of each backend.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda[:N] or mps.")] = None,
    target: Annotated[str | None, typer.Option(help="Time until e.g. loss=5.5 or bleu=20.")] = None,
    save_weights: Annotated[bool, typer.Option(help="Keep them, for `compare generate`.")] = False,
    set_: options.Set = None,
    config: options.Config = None,
    python: options.Python = None,
    out: Annotated[Path, typer.Option(help="Folder that gets the run folder.")] = Path("results"),
    json: options.Json = False,
) -> None:
    """Train one language model identically on every framework, and compare."""
    if context.invoked_subcommand is not None:
        return
    if task is None:
        raise UserError(f"--task is missing: there is {', '.join(sorted(installed('task')))}")
    asked = options.overrides(
        config,
        set_,
        {
            "task": {"data": data},
            "train": {"steps": steps, "seed": seed},
            "run": {
                "rounds": rounds, "threads": threads, "device": device, "target": target,
                "save_weights": save_weights or None,
            },
        },
    )  # fmt: skip
    backends, pythons = options.split_backends(backend), options.interpreters(python)
    plan = make_plan(task, preset, asked, backends, pythons, ["compare", *sys.argv[1:]])
    folder = RunFolder.create(out, plan.task.name, preset)
    interrupted = _play(plan, folder)
    summary = _report(folder)
    if json:
        print(summary.model_dump_json(indent=2))
    else:
        _print_reports(summary, folder)
    raise typer.Exit(INTERRUPTED if interrupted else _exit_code(summary))


def _play(plan: Plan, folder: RunFolder) -> bool:
    """Run the plan; whether Ctrl-C cut it short."""
    console = Console(stderr=True)
    watcher = LiveProgress(console) if console.is_terminal else Silent()
    with watcher:
        try:
            Conductor(plan, folder, watcher).run()
        except KeyboardInterrupt:
            return True
    return False


def _report(folder: RunFolder) -> Summary:
    """Summarise the records and write every report that has a file name."""
    summary = summarise(folder.records())
    for report in load_reports():
        if report.filename:
            (folder.path / report.filename).write_text(report.render(summary), encoding="utf-8")
    return summary


def _print_reports(summary: Summary, folder: RunFolder) -> None:
    for report in load_reports():
        if not report.filename:
            print(report.render(summary), end="")
    print(f"written to {folder.path}")


def _exit_code(summary: Summary) -> int:
    """0 if at least one backend ran and none went wrong."""
    statuses = {cell.status for cell in summary.cells}
    return 0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1


app.command("list")(commands.list_)
app.command()(commands.doctor)
app.command()(commands.audit)
app.command()(commands.check_backend)
app.command()(generate.generate)


def main() -> None:
    """Entry point: errors that a user caused are one line on stderr and exit code 2."""
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
