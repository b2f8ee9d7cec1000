"""The table on a terminal."""

import shlex

from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from compare.summary import Summary

from .table import columns, environment, legend, sentences, title

_STYLES = {"ok": "green", "skipped": "dim", "failed": "red", "parity_failed": "red"}
_WIDTH_OF_A_PIPE = 240


class TerminalReport:
    name = "terminal"
    filename = None

    def render(self, summary: Summary) -> str:
        console = Console()
        if not console.is_terminal:  # nobody's window: leave rows whole
            console = Console(width=_WIDTH_OF_A_PIPE)
        with console.capture() as capture:
            console.print(_page(summary))
        return capture.get()


def _page(summary: Summary) -> Group:
    table = Table(box=box.SIMPLE_HEAD, title=Text(title(summary)), title_justify="left")
    shown = columns(summary)
    for index, column in enumerate(shown):
        table.add_column(column.title, justify="left" if index < 2 else "right")
    for cell in summary.cells:
        style = _STYLES.get(cell.status, "yellow")
        texts = [column.text(cell) for column in shown]
        texts[1] = f"[{style}]{escape(texts[1])}[/]"
        table.add_row(*texts)
    quiet = [*legend(summary), "", *environment(summary), f"repeat: {shlex.join(summary.command)}"]
    logs = [line for cell in summary.cells for line in _log(cell.backend, cell.log_tail)]
    return Group(
        table,
        Text("\n".join([*sentences(summary), *logs, ""])),
        Text("\n".join(quiet), style="dim"),
    )


def _log(backend: str, tail: str) -> list[str]:
    return [f"  {backend}| {line}" for line in tail.splitlines()]


report = TerminalReport()
