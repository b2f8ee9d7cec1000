"""`compare check-backend`: tell an adapter's author what is right and wrong."""

import json as json_module
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from compare.commands import options
from compare.conformance.checks import Finding
from compare.limits import CHECK_SECONDS, LONGEST_SECONDS
from compare.planning.selection import choose_cells, find_oracle
from compare.running.checking import check_cell


def check_backend(
    backend: Annotated[str, typer.Argument(help="NAME, NAME:MODE or path/to/adapter.py.")],
    device: Annotated[str, typer.Option(help="Such as cuda:0; else the backend's first.")] = "",
    timeout: Annotated[
        float, typer.Option(min=0.1, max=LONGEST_SECONDS, help="Seconds a mode may take.")
    ] = CHECK_SECONDS,
    json: options.Json = False,
) -> None:
    """Tell an adapter's author what is right and wrong."""
    oracle = find_oracle()
    found: dict[str, list[Finding]] = {}
    for choice in choose_cells([backend], {}, every_mode=True):
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
