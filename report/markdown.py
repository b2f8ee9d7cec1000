"""The table as Markdown."""

import shlex

from compare.summary import Summary

from .table import columns, environment, legend, sentences, title


class MarkdownReport:
    name = "markdown"
    filename = "report.md"

    def render(self, summary: Summary) -> str:
        shown = columns(summary)
        rows = [[column.text(cell) for column in shown] for cell in summary.cells]
        lines = [
            f"# {_escape(title(summary))}",
            "",
            _row([column.title for column in shown]),
            "|" + "|".join(["---", "---"] + ["---:"] * (len(shown) - 2)) + "|",
            *map(_row, rows),
            "",
            *_list(sentences(summary)),
            *_logs(summary),
            "## How to read it",
            "",
            *_list(legend(summary)),
            "## Environment",
            "",
            *_list(environment(summary)),
            "Repeat it with",
            "",
            f"    {shlex.join(summary.command)}",
        ]
        return "\n".join(lines) + "\n"


def _row(texts: list[str]) -> str:
    return "| " + " | ".join(map(_escape, texts)) + " |"


def _list(lines: list[str] | tuple[str, ...]) -> list[str]:
    return [f"- {_escape(line)}" for line in lines] + ([""] if lines else [])


def _logs(summary: Summary) -> list[str]:
    lines = []
    for cell in summary.cells:
        if cell.log_tail:
            tail = [f"    {line}" for line in cell.log_tail.splitlines()]
            lines += [f"The end of the log of {cell.backend}:{cell.mode}:", "", *tail, ""]
    return lines


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, also inside a table."""
    for mark in "\\`*_{}[]<>|":
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ")


report = MarkdownReport()
