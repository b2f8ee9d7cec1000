"""Figures over time: what every run under a folder measured, per experiment and backend."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from compare.archive.history import History, HistoryRow, read_history
from compare.commands import completion, options
from compare.commands.options import told, what
from compare.commands.tables import print_whole
from compare.errors import UserError, unknown
from compare.findings.number_text import estimate, memory, number
from compare.plugins import installed

_MOST_ROWS = 100  # nobody reads more on a terminal


def history(
    folder: Annotated[
        Path, typer.Argument(help="Folder of runs.", autocompletion=completion.nothing)
    ] = Path("results"),
    task: Annotated[
        str, what(help="Only runs of this task.", autocompletion=completion.plugin("task"))
    ] = "",
    backend: Annotated[
        str,
        what(help="Only these, such as torch:eager,jax.", autocompletion=completion.backends),
    ] = "",
    format_: Annotated[
        str,
        told("--format", help="html prints a page.", autocompletion=completion.plugin("report")),
    ] = "",
    json: options.Json = False,
) -> None:
    """Figures over time, the frameworks' upgrades marked.

    Examples:
    compare history
    compare history results --task lm --backend torch:eager,jax
    compare history --format html > history.html
    """
    render = _renderer(format_) if format_ else None
    found = read_history(folder, task, options.split_backends(backend))
    if json:
        print(found.model_dump_json(indent=2))
    elif render:
        page = render(found)
        sys.stdout.buffer.write(page if isinstance(page, bytes) else page.encode())
    else:
        _print(found)
    for line in (*found.unreadable, *found.copies):
        print(f"compare: left out: {line}", file=sys.stderr)


def _renderer(name: str) -> Any:
    """What a report format draws a history with."""
    points = installed("report")
    if name not in points:
        raise unknown("report format", name, points)
    report = points[name].load()
    if not hasattr(report, "render_history"):
        raise UserError(f"the report format '{name}' has no page for a history")
    return report.render_history


def _print(found: History) -> None:
    latest = {id(row) for row in sorted(found.rows, key=lambda row: row.started)[-_MOST_ROWS:]}
    shown = [row for row in found.rows if id(row) in latest]
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("started", "task", "experiment", "backend", "versions", "status"):
        table.add_column(title)
    for title in ("tokens/s", "of the versions before", "peak memory", "valid. loss"):
        table.add_column(title, justify="right")
    table.add_column("upgrade")
    table.add_column("machine")
    table.add_column("run")
    for row in shown:
        table.add_row(*map(Text, _texts(row)), style="bold" if row.upgrade else "")
    print_whole(table)
    if len(shown) < len(found.rows):
        print(f"and {len(found.rows) - len(shown):,} earlier ones: --json has them all")


def _texts(row: HistoryRow) -> list[str]:
    return [
        row.started.astimezone().strftime("%Y-%m-%d %H:%M"),
        f"{row.task} ({row.preset})",
        row.experiment,
        row.label,
        ", ".join(f"{name} {version}" for name, version in row.versions.items()),
        row.status,
        estimate(row.tokens_per_second, "{:,.0f}"),
        estimate(row.ratio_to_before, "{:.3f}"),
        memory(row.peak_memory_bytes),
        number(row.validation_loss, "{:.4f}"),
        row.upgrade,
        row.machine,
        row.run,
    ]
