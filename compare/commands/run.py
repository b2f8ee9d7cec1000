"""`compare --task NAME`, the main job: train one language model on every framework, and compare."""

from pathlib import Path
from typing import Annotated, Any

import typer

from compare.commands import options
from compare.commands.ending import end_run, end_sweep
from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.overrides import text_fields
from compare.planning.plan import make_plan
from compare.planning.sweeps import begin_sweep, parse_axes
from compare.plugins import installed
from compare.records.place import require_place, require_room
from compare.records.run_folder import RunFolder
from compare.records.values import Request
from compare.running.jobs import play_run, play_sweep
from compare.version import VERSION


def run(
    context: typer.Context,
    task: Annotated[str | None, typer.Option(help="What to train; see `compare list`.")] = None,
    preset: Annotated[str, typer.Option(help="Size of the experiment.")] = "small",
    backend: options.Backends = "",
    data: options.Data = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the initial weights.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh processes per backend.")] = None,
    precision: Annotated[str | None, typer.Option(help="Time on until, e.g., within 2%.")] = None,
    budget: Annotated[str | None, typer.Option(help="But no longer than, e.g., 10m.")] = None,
    control: Annotated[bool, typer.Option(help="Each backend twice: its own noise.")] = False,
    sweep: options.Sweeps = None,
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
    options.require_utf8(
        task, preset, backend, data, device, target, *(set_ or []), *(sweep or []), *(python or [])
    )
    require_place(out)
    loaded = load_task(task)
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
        overrides=options.overrides(loaded, config, set_, given),
        backends=options.split_backends(backend),
        pythons=options.interpreters(python),
        folder=options.working_folder(),
    )
    command = options.command_line()
    if sweep:
        axes = parse_axes(sweep, text_fields(loaded))
        swept = begin_sweep(out, request, axes, command)
        end_sweep(swept, play_sweep(swept, command), json)
    plan = make_plan(request, command)
    require_room(out, plan.bytes_on_disk)
    folder = RunFolder.create(out, plan.task.name, preset)
    end_run(folder, play_run(plan, folder), json)
