"""`compare audit`: float64 proof that every backend computes the same."""

import json as json_module
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.commands import options
from compare.commands.tables import print_whole
from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.plan import make_plan
from compare.planning.selection import find_oracle
from compare.records.values import Request
from compare.running.audit import TOLERANCES, Audited, Check, audit_cells
from compare.worker.process import CellEnded


def audit(
    task: Annotated[str, typer.Option(help="Task whose model is audited.")] = "lm",
    preset: Annotated[str, typer.Option(help="Size of the experiment.")] = "tiny",
    backend: options.Backends = "",
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 100,
    data: options.Data = None,
    set_: options.Set = None,
    config: options.Config = None,
    python: options.Python = None,
    json: options.Json = False,
) -> None:
    """Float64 proof that every backend computes the same."""
    options.require_utf8(task, preset, backend, data, *(set_ or []), *(python or []))
    given: dict[str, dict[str, Any]] = {"task": {"data": data}, "train": {"steps": steps}}
    asked = [
        {"train": {"precision": "fp64"}},
        *options.overrides(load_task(task), config, set_, given),
    ]
    backends, pythons = options.split_backends(backend), options.interpreters(python)
    request = Request(
        task=task, preset=preset, overrides=asked, backends=backends, pythons=pythons,
        every_mode=True,
    )  # fmt: skip
    plan = make_plan(request, options.command_line())
    console = Console(stderr=True)
    with console.status("starting") as status:
        try:
            audited = audit_cells(plan, find_oracle(), status.update)
        except CellEnded as end:
            raise UserError(f"the oracle cannot be audited against: {end.reason}") from None
    if json:
        print(json_module.dumps([row.model_dump() for row in audited], indent=2))
    else:
        print_whole(_audit_table(audited))
    statuses = {row.status for row in audited}
    raise typer.Exit(0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1)


def _audit_table(audited: list[Audited]) -> Table:
    table = Table("backend", "status", box=box.SIMPLE_HEAD)
    kinds = next((list(row.checks) for row in audited if row.checks), [])
    for kind in kinds:
        table.add_column(f"{kind}, worst")
    for row in audited:
        cells = [_check_text(kind, row.checks[kind]) for kind in kinds if kind in row.checks]
        reason = f"{row.status}: {row.reason}" if row.reason else row.status
        table.add_row(Text(f"{row.backend}:{row.mode}"), Text(reason), *cells)
    return table


def _check_text(kind: str, check: Check) -> Text:
    """The worst difference, and what was allowed where that is not the tolerance itself."""
    worst = "infinite" if check.worst is None else f"{check.worst:.1e}"
    allowed = "" if check.allowed == TOLERANCES[kind] else f" (allowed: {check.allowed:.1e})"
    return Text(f"{worst} {check.where}{allowed}", style="" if check.passed else "red")
