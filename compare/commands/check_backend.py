"""`compare check-backend`: tell an adapter's author what is right and wrong."""

import json as json_module
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from compare.commands import options
from compare.conformance.causes import causes, in_short
from compare.conformance.checks import named
from compare.conformance.finding import Finding
from compare.errors import UserError
from compare.limits import CHECK_SECONDS
from compare.planning.choice import Choice
from compare.planning.selection import choose_cells, find_oracle
from compare.planning.spelling import EVERY_MODE, adapter_and_mode
from compare.running.checking import check_cell

_COLOURS = {"passed": "green", "skipped": "yellow", "failed": "red"}


def check_backend(
    backend: Annotated[str, typer.Argument(help="NAME or path/to/adapter.py, also with :MODE.")],
    mode: Annotated[str, typer.Option(help="As :MODE; all for every one.")] = "",
    case: Annotated[
        list[str] | None, typer.Option(help="Only this check, kind or model, such as logits.")
    ] = None,
    device: Annotated[str, typer.Option(help="Such as cuda:0; else the backend's first.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds for a check.")] = CHECK_SECONDS,
    traceback: Annotated[bool, typer.Option("--traceback", help="Of each exception.")] = False,
    python: options.Python = None,
    json: options.Json = False,
) -> None:
    """Tell an adapter's author what is right and wrong."""
    wanted = [name for text in case or [] for name in named(text)]
    choices, others = _cells(f"{backend}:{mode}" if mode else backend, options.interpreters(python))
    oracle = find_oracle()
    found: dict[str, list[Finding]] = {}
    for choice in choices:
        with Console(stderr=True).status(choice.cell.label):
            found[choice.cell.label] = check_cell(
                choice, oracle.adapter, timeout, device, wanted=wanted
            )
    _require_an_open_one(found)
    if json:
        rows = {cell: [f.model_dump() for f in findings] for cell, findings in found.items()}
        print(json_module.dumps(rows, indent=2))
    else:
        for cell, findings in found.items():
            _print_findings(cell, findings, traceback)
        if others:
            print(f"not checked: {', '.join(others)}; every mode is with {backend}:{EVERY_MODE}")
    failed = any(f.status == "failed" for findings in found.values() for f in findings)
    raise typer.Exit(1 if failed else 0)


def _cells(backend: str, pythons: dict[str, str]) -> tuple[list[Choice], list[str]]:
    """The cells to check, and the labels of those that are left out for want of a mode."""
    if adapter_and_mode(backend)[1]:
        return choose_cells([backend], pythons), []
    first, *others = choose_cells([f"{backend}:{EVERY_MODE}"], pythons)
    return [first], [other.cell.label for other in others]


def _require_an_open_one(found: dict[str, list[Finding]]) -> None:
    """Raise UserError where nothing was checked, since no framework could be opened."""
    if all([(f.check, f.status) for f in one] == [("open", "skipped")] for one in found.values()):
        cell, (finding, *_) = next(iter(found.items()))
        raise UserError(f"{cell} cannot be checked: {finding.detail}")


def _print_findings(cell: str, findings: list[Finding], traceback: bool) -> None:
    """What passed, what was skipped, and last what failed, each cause once."""
    for finding in findings:
        if finding.status == "passed":
            _print("passed", f"{cell}  {finding.check}")
    for status in ("skipped", "failed"):
        for first, checks in causes(findings):
            if first.status == status:
                _print(status, f"{cell}  {first.check}  {first.detail}")
                _print("", f"also {in_short(checks[1:])}" if checks[1:] else "")
                _print("", f"usual causes: {first.hint}" if first.hint else "")
                _print("", first.traceback if traceback else "")
    counts = Counter(str(finding.status) for finding in findings)
    print(", ".join(f"{counts[mark]} {mark}" for mark in ("passed", "failed", "skipped")))


def _print(status: str, line: str) -> None:
    if line:
        text = Text(f"{status:8}", style=_COLOURS.get(status, ""))
        text.append(f"{'' if status else ' '}{line}", style="default" if status else "dim")
        Console(highlight=False, soft_wrap=True).print(text)
