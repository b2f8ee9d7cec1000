"""`compare check-backend`: tell an adapter's author what is right and wrong."""

import json as json_module
from collections import Counter
from typing import Annotated

import typer
from rich.text import Text

from compare.commands import completion, options
from compare.commands.options import long, told, what, where
from compare.commands.tables import console
from compare.conformance.causes import causes, in_short
from compare.conformance.checks import named, names
from compare.conformance.finding import Finding
from compare.errors import UserError
from compare.findings.number_text import count_of
from compare.limits import CHECK_SECONDS, LONGEST_SECONDS
from compare.planning.choice import Choice
from compare.planning.selection import choose_cells, find_oracle
from compare.planning.spelling import EVERY_MODE, adapter_and_mode
from compare.running.checking import check_cell
from compare.running.progress import watched

_COLOURS = {"passed": "green", "skipped": "yellow", "failed": "red"}
_KINDS = dict.fromkeys(name.partition(":")[0] for name in names())


def check_backend(
    backend: Annotated[
        str,
        typer.Argument(
            help="NAME or path/to/adapter.py, also with :MODE.", autocompletion=completion.backends
        ),
    ],
    mode: Annotated[str, what(help="As :MODE; all for every one.")] = "",
    case: Annotated[
        list[str] | None,
        what(
            help="Only this check, kind or model, such as logits.",
            autocompletion=completion.one_of(*_KINDS),
        ),
    ] = None,
    timeout: Annotated[
        float, long(min=0.1, max=LONGEST_SECONDS, help="Seconds that one check may take.")
    ] = CHECK_SECONDS,
    device: Annotated[str, where(help="Such as cuda:0; else the backend's first.")] = "",
    python: options.Python = None,
    traceback: Annotated[bool, told("--traceback", help="Print that of each exception.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Tell an adapter's author what is right and wrong.

    Examples:
    compare check-backend torch:eager --device cpu
    compare check-backend path/to/adapter.py --case logits
    """
    wanted = [name for text in case or [] for name in named(text)]
    found: dict[str, list[Finding]] = {}
    with watched(quiet) as progress:
        progress.begin("asking the backend who it is")
        whole = f"{backend}:{mode}" if mode else backend
        choices, others = _cells(whole, options.interpreters(python))
        oracle = find_oracle()
        for choice in choices:
            found[choice.cell.label] = check_cell(
                choice, oracle.adapter, timeout, device, progress.count, wanted
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
    """What passed in a line, one cause in one, and failures last, where the eye is."""
    kinds = Counter(one.check.partition(":")[0] for one in findings if one.status == "passed")
    if kinds:
        shown = ", ".join(f"{kind} {n}" if n > 1 else kind for kind, n in kinds.items())
        _print("passed", f"{cell}  {count_of(kinds.total(), 'check')}: {shown}")
    for status in ("skipped", "failed"):
        for first, checks in causes(findings):
            if first.status == status:
                _print(status, f"{cell}  {first.check}  {first.detail}")
                _print("", f"also {in_short(checks[1:])}" if checks[1:] else "")
                _print("", f"usual causes: {first.hint}" if first.hint else "")
                _print("", first.traceback if traceback else "")
    print(in_words(cell, findings))


def _print(status: str, line: str) -> None:
    if line:
        text = Text(f"{status:8}", style=_COLOURS.get(status, ""))
        text.append(f"{'' if status else ' '}{line}", style="default" if status else "dim")
        console().print(text, soft_wrap=True)


def in_words(cell: str, findings: list[Finding]) -> str:
    """What the checks of one cell came to, in a sentence."""
    counts = Counter(finding.status for finding in findings)
    failed = [group for group in causes(findings) if group.first.status == "failed"]
    skipped = f"; {count_of(counts['skipped'], 'check')} skipped" if counts["skipped"] else ""
    if not failed:
        right = f"{cell} is right in all that it was checked in" if counts["passed"] else cell
        return f"{right}: {count_of(counts['passed'], 'check')} passed{skipped}."
    return (
        f"{cell} is wrong in {count_of(counts['failed'], 'check')}, of"
        f" {count_of(len(failed), 'cause')} as far as can be told: begin with the first;"
        f" {counts['passed']} passed{skipped}."
    )
