"""`compare --task NAME`, the main job: train one language model on every framework, and compare."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from compare.cluster.loading import load_engine
from compare.cluster.spread import machines, spread
from compare.commands import completion, options, start
from compare.commands.ending import end_run, end_sweep
from compare.commands.options import long, told, what, where
from compare.contracts.loading import load_task
from compare.errors import UserError, unknown
from compare.planning.overrides import text_fields
from compare.planning.plan import make_plan
from compare.planning.sweeps import BATCH, begin_sweep, parse_axes, weak_points
from compare.plugins import installed
from compare.ranks.counts import parse_ranks
from compare.records.place import require_place, require_room
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import Point, SweepFolder
from compare.records.values import Request
from compare.reporting.showing import required_of_run, required_of_sweep
from compare.running.jobs import play_run, play_sweep
from compare.running.progress import watched
from compare.version import VERSION


def run(
    context: typer.Context,
    task: Annotated[str | None, options.TASK] = None,
    preset: options.Preset = "small",
    backend: options.Backends = "",
    ranks: options.Ranks = "1",
    scaling: options.Scaling = "strong",
    data: options.Data = None,
    set_: options.Set = None,
    config: options.Config = None,
    sweep: options.Sweeps = None,
    seed: Annotated[int | None, what(help="Draws the initial weights.")] = None,
    save_weights: Annotated[
        bool, what("--save-weights", help="Keep them, to generate with and to explain.")
    ] = False,
    steps: Annotated[int | None, long(help="Optimiser steps.")] = None,
    rounds: Annotated[int | None, long(help="Fresh processes per backend.")] = None,
    precision: Annotated[
        str | None, long(help="Time on until intervals are within, e.g., 2%.")
    ] = None,
    budget: Annotated[str | None, long(help="But no longer than 90s, 10m or 2h.")] = None,
    control: Annotated[bool, long("--control", help="Each backend twice: its own noise.")] = False,
    target: Annotated[
        str | None,
        long(help="Time until, e.g., loss=5.5 or bleu=20.", autocompletion=completion.target),
    ] = None,
    threads: Annotated[int | None, where(help="CPU threads of each backend.")] = None,
    device: options.Device = None,
    python: options.Python = None,
    out: options.Out = Path("results"),
    price_per_hour: Annotated[float | None, told(help="Of the machine: adds costs.")] = None,
    wide: options.Wide = False,
    columns: options.Columns = "",
    baseline: options.Baseline = "",
    verbose: options.Verbose = False,
    plan_only: Annotated[
        bool, where("--plan-only", help="Write a sweep's folder; play it by `compare point`.")
    ] = False,
    cluster: options.Cluster = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    version: Annotated[bool, typer.Option("--version", help="Of this suite.")] = False,
) -> None:
    """Train one language model identically on every framework, and compare.

    Examples:
    compare --task lm --preset tiny
    compare --task lm --data book.txt --set task.tokens=chars
    compare --task lm --precision 2% --budget 10m
    compare --task lm --backend torch:eager,jax --set model.hidden=512
    """
    if context.invoked_subcommand is not None:
        return
    if version:
        print(VERSION)
        return
    if task is None and len(sys.argv) == 1:
        start.show()
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
        ranks=parse_ranks(ranks),
        folder=options.working_folder(),
    )
    command = options.command_line()
    view = options.view(wide, columns, baseline, verbose)
    weak = list[Point]()
    if scaling not in ("strong", "weak"):
        raise unknown("scaling", scaling, ["strong", "weak"], where="--scaling")
    if scaling == "weak":
        if sweep:
            raise UserError("--scaling weak sweeps the batch by itself: leave --sweep out")
        request, weak = weak_points(request)
    if sweep or weak:
        view = required_of_sweep(view, loaded.metrics)
        axes = {BATCH: [point.values[BATCH] for point in weak]}
        axes = axes if weak else parse_axes(sweep or [], text_fields(loaded))
        if cluster and plan_only:
            raise UserError("--plan-only plays nothing: leave --cluster out, resume takes it")
        engine = load_engine(cluster) if cluster else None
        with watched(quiet) as progress, ExitStack() as held:
            # Before the folder is written: there may be none.
            stages = held.enter_context(machines(*engine, progress)) if engine else []
            swept = begin_sweep(out, request, axes, command, progress.begin, weak)
            if plan_only:
                _tell_of_points(swept)
                return
            interrupted = (
                spread(swept, engine[0], stages, progress)
                if engine
                else play_sweep(swept, command, progress)
            )
        end_sweep(swept, interrupted, json, view)
    if plan_only:
        raise UserError("--plan-only is of a --sweep: it writes the folder of its points")
    if cluster:
        raise UserError("--cluster is of a --sweep: it spreads the points of one over machines")
    with watched(quiet) as progress:
        plan = make_plan(request, command, watch=progress.begin)
        labels = [cell.label for cell in plan.cells]
        view = required_of_run(view, labels, plan.task.metrics, plan.run.target)
        require_room(out, plan.bytes_on_disk)
        folder = RunFolder.create(out, plan.task.name, preset)
        interrupted = play_run(plan, folder, progress)
    end_run(folder, interrupted, json, view)


def _tell_of_points(folder: SweepFolder) -> None:
    """What is planned, and how each of it is played."""
    points = folder.sweep().points
    for number, point in enumerate(points, 1):
        print(f"{number:>6}  {point.name}")
    print(
        f"Play each by: compare point {folder.path} N     all of them: compare report {folder.path}"
    )
