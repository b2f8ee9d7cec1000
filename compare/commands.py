"""The commands beside the main job: list, doctor, audit, check-backend."""

import json as json_module
import sys
from collections import Counter
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare import options, survey
from compare.audit import TOLERANCES, Audited, Check
from compare.audit import audit as audit_cells
from compare.conformance import Finding
from compare.errors import UserError
from compare.plan import make_plan
from compare.player import CellEnded
from compare.plugins import installed, load_reports, load_task
from compare.records import Request
from compare.testing import check_cell

_WIDTH_OF_A_PIPE = 400  # nobody's window: leave rows whole


def list_() -> None:
    """Tasks, presets, fields, backends, modes and reports."""
    described = survey.describe(installed("backend"), {})
    console = Console(highlight=False)
    console.print("[bold]tasks[/], with every field that --set can change")
    for name in sorted(installed("task")):
        task = load_task(name)
        metrics = f"; metrics {', '.join(task.metrics)}" if task.metrics else ""
        console.print(f"  {name}: presets {', '.join(task.presets)}{metrics}")
        for section, fields in task.settings().model_dump().items():
            values = ", ".join(f"{field}={value}" for field, value in fields.items())
            console.print(Text(f"    {section}: {values}"))
    console.print("[bold]backends[/], the default mode first")
    for name, backend in described.items():
        role = " (the oracle, not raced unless named)" if backend.oracle else ""
        console.print(Text(f"  {name}: {backend.problem or ', '.join(backend.modes)}{role}"))
    console.print("[bold]reports[/]")
    for report in load_reports():
        console.print(f"  {report.name}: {report.filename or 'printed'}")
    console.print("[bold]exports[/]")
    console.print(f"  {', '.join(sorted(installed('export')))}")


def doctor(
    python: options.Python = None,
) -> None:
    """What is installed, its devices, and why one is missing."""
    pythons = options.interpreters(python)
    table = Table("backend", "versions", "devices", "problem", box=None)
    for label, seen in survey.look_around(installed("backend"), pythons).items():
        versions = ", ".join(f"{library} {v}" for library, v in seen.versions.items())
        table.add_row(*map(Text, (label, versions, ", ".join(seen.devices), seen.problem)))
    Console().print(table)


def audit(
    task: Annotated[str, typer.Option(help="Task whose model is audited.")] = "lm",
    preset: Annotated[str, typer.Option(help="Size of the experiment.")] = "tiny",
    backend: options.Backend = "",
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 100,
    data: options.Data = None,
    set_: options.Set = None,
    config: options.Config = None,
    python: options.Python = None,
    json: options.Json = False,
) -> None:
    """Float64 proof that every backend computes the same."""
    asked = [
        {"train": {"precision": "fp64"}},
        *options.overrides(config, set_, {"task": {"data": data}, "train": {"steps": steps}}),
    ]
    backends, pythons = options.split_backends(backend), options.interpreters(python)
    request = Request(
        task=task, preset=preset, overrides=asked, backends=backends, pythons=pythons,
        every_mode=True,
    )  # fmt: skip
    plan = make_plan(request, ["compare", *sys.argv[1:]])
    console = Console(stderr=True)
    with console.status("starting") as status:
        try:
            audited = audit_cells(plan, survey.find_oracle(), status.update)
        except CellEnded as end:
            raise UserError(f"the oracle cannot be audited against: {end.reason}") from None
    if json:
        print(json_module.dumps([row.model_dump() for row in audited], indent=2))
    else:
        print_whole(_audit_table(audited))
    statuses = {row.status for row in audited}
    raise typer.Exit(0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1)


def check_backend(
    backend: Annotated[str, typer.Argument(help="NAME, NAME:MODE or path/to/adapter.py.")],
    device: Annotated[str, typer.Option(help="Such as cuda:0; else the backend's first.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds a mode may take.")] = 600,
    json: options.Json = False,
) -> None:
    """Tell an adapter's author what is right and wrong."""
    oracle = survey.find_oracle()
    found: dict[str, list[Finding]] = {}
    for choice in survey.choose_cells([backend], {}, every_mode=True):
        with Console(stderr=True).status(choice.cell.label):
            found[choice.cell.label] = check_cell(choice, oracle.adapter, timeout, device)
    if json:
        rows = {cell: [f.model_dump() for f in findings] for cell, findings in found.items()}
        print(json_module.dumps(rows, indent=2))
    else:
        for cell, findings in found.items():
            _print_findings(cell, findings)
    failed = any(f.status == "failed" for findings in found.values() for f in findings)
    raise typer.Exit(1 if failed else 0)


def _print_findings(cell: str, findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    marks = {"passed": "green", "failed": "red", "skipped": "yellow"}
    for finding in findings:
        line = Text(f"{finding.status:8}", style=marks[finding.status])
        line.append(f"{cell}  {finding.check}", style="default")
        line.append(f"  {finding.detail}" if finding.detail else "", style="default")
        console.print(line)
        if finding.hint:
            console.print(Text(f"         usual causes: {finding.hint}", style="dim"))
    counts = Counter(str(finding.status) for finding in findings)
    console.print(", ".join(f"{counts[mark]} {mark}" for mark in marks))


def print_whole(table: Table) -> None:
    """Print a table as wide as the terminal, or in a pipe as wide as its rows are."""
    console = Console()
    (console if console.is_terminal else Console(width=_WIDTH_OF_A_PIPE)).print(table)


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
