"""`compare audit`: float64 proof that every backend computes the same."""

import json as json_module
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from compare.commands import options
from compare.commands.options import long, what
from compare.commands.tables import print_whole
from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.plan import make_plan
from compare.planning.selection import find_oracle
from compare.ranks.counts import parse_ranks
from compare.records.values import Request
from compare.running.audit import TOLERANCES, Audited, Check, audit_cells
from compare.running.progress import watched
from compare.worker.process import CellEnded

if TYPE_CHECKING:
    from compare.explain.proof import Proved


def audit(
    task: options.Task = "lm",
    preset: options.Preset = "tiny",
    backend: options.Backends = "",
    data: options.Data = None,
    set_: options.Set = None,
    config: options.Config = None,
    steps: Annotated[int, long(help="Optimiser steps.")] = 100,
    ranks: options.Ranks = "1",
    explain: Annotated[
        bool, what("--explain", help="Their explanations too, of the initial weights.")
    ] = False,
    python: options.Python = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Float64 proof that every backend computes the same.

    Examples:
    compare audit
    compare audit --backend torch:eager --set model.architecture=gpt --steps 20
    compare audit --task translation --backend torch:eager --steps 20
    compare audit --task sentiment --explain --steps 20
    compare audit --task translation --backend torch:eager --ranks 2,3 --set train.batch=12
    """
    options.require_utf8(task, preset, backend, data, *(set_ or []), *(python or []))
    given: dict[str, dict[str, Any]] = {"task": {"data": data}, "train": {"steps": steps}}
    asked = [
        {"train": {"dtype": "fp64"}},
        *options.overrides(load_task(task), config, set_, given),
    ]
    backends, pythons = options.split_backends(backend), options.interpreters(python)
    request = Request(
        task=task, preset=preset, overrides=asked, backends=backends, pythons=pythons,
        every_mode=True, ranks=parse_ranks(ranks),
    )  # fmt: skip
    with watched(quiet) as progress:
        plan = make_plan(request, options.command_line(), watch=progress.begin, timed=False)
        oracle = find_oracle()
        try:
            audited = audit_cells(plan, oracle, progress.count)
            if explain:
                from compare.explain.proof import prove_cells  # no other audit waits for it

                audited = _with_explanations(audited, prove_cells(plan, oracle, progress.count))
        except CellEnded as end:
            raise UserError(f"the oracle cannot be audited against: {end.reason}") from None
    if json:
        print(json_module.dumps([row.model_dump() for row in audited], indent=2))
    else:
        print_whole(_audit_table(audited))
        print(in_words(audited, oracle.cell.label, plan.experiment.train.dtype))
        if any("decisions" in row.checks and row.status == "ok" for row in audited):
            print(
                f"With the weights that {oracle.cell.label} trained they decide alike about every"
                " text, so every figure of groups is the same."
            )
    statuses = {row.status for row in audited}
    raise typer.Exit(0 if "ok" in statuses and statuses <= {"ok", "skipped"} else 1)


def _with_explanations(audited: list[Audited], proved: Sequence["Proved"]) -> list[Audited]:
    """The rows with a check more, of those that could be audited."""
    found = []
    for row, one in zip(audited, proved, strict=True):
        if row.checks and one.check:
            checks = {**row.checks, "explanations": one.check}
            wrong = row.status == "ok" and not one.check.passed
            update = {
                "status": "parity_failed",
                "reason": f"first seen in explanations {one.check.where}",
            }
            row = row.model_copy(update={"checks": checks} | (update if wrong else {}))
        elif row.checks:
            why = {"status": one.status, "reason": f"its explanations: {one.reason}"}
            row = row.model_copy(update=why if row.status == "ok" else {})
        found.append(row)
    return found


def _audit_table(audited: list[Audited]) -> Table:
    table = Table("backend", "status", box=box.SIMPLE_HEAD)
    kinds = next((list(row.checks) for row in audited if row.checks), [])
    for kind in kinds:
        table.add_column("other decisions" if kind == "decisions" else f"{kind}, worst")
    for row in audited:
        cells = [_check_text(kind, row.checks[kind]) for kind in kinds if kind in row.checks]
        reason = f"{row.status}: {row.reason}" if row.reason else row.status
        table.add_row(Text(row.label), Text(reason), *cells)
    return table


def in_words(audited: list[Audited], oracle: str, precision: str) -> str:
    """What the audit came to, in a sentence."""
    labels: dict[str, list[str]] = {}
    for row in audited:
        label = row.label
        if label != oracle or len(audited) == 1:
            labels.setdefault(row.status, []).append(label)
    right, wrong = labels.pop("ok", []), labels.pop("parity_failed", [])
    parts = []
    if right:
        verb = "computes" if len(right) == 1 else "compute"
        parts.append(
            f"{', '.join(right)} {verb} what {oracle} does, number by number in {precision}"
        )
    if wrong:
        verb = "does" if len(wrong) == 1 else "do"
        parts.append(f"{', '.join(wrong)} {verb} not compute what {oracle} does")
    parts += [f"{status}: {', '.join(names)}" for status, names in labels.items()]
    return "; ".join(parts) + "."


def _check_text(kind: str, check: Check) -> Text:
    """The worst difference, and what was allowed where that is not the tolerance itself."""
    if kind == "decisions":
        return Text(f"{check.worst:.0f} {check.where}", style="" if check.passed else "red")
    worst = "infinite" if check.worst is None else f"{check.worst:.1e}"
    allowed = (
        ""
        if check.allowed == TOLERANCES.get(kind, check.allowed)
        else f" (allowed: {check.allowed:.1e})"
    )
    return Text(f"{worst} {check.where}{allowed}", style="" if check.passed else "red")
