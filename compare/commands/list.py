"""`compare list`: what there is; of a task every field; of the layers every parameter."""

import json as json_module
from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer
from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from compare.commands import completion, options
from compare.commands.tables import add_words, console, fits, print_whole, say
from compare.contracts.loading import load_task
from compare.errors import unknown
from compare.planning import survey
from compare.planning.fields import Described, describe_fields, written
from compare.planning.overrides import resolve
from compare.plugins import installed, is_file
from compare.reporting.loading import load_reports
from compare.spec.vocabulary import ShapeOf, parameter_shapes

_LAYERS = "layers"
_MOST_WORDS, _LEAST_MEANING = 28, 32  # columns of a terminal


def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="A task or its file: all its fields. `layers`: every parameter and its shape.",
            autocompletion=completion.plugin("task", _LAYERS),
        ),
    ] = "",
    preset: Annotated[
        str, options.what(help="Whose values are shown.", autocompletion=completion.preset)
    ] = "small",
    json: options.Json = False,
) -> None:
    """Tasks, presets, fields, backends, modes, reports and layers.

    Examples:
    compare list
    compare list lm
    compare list sentiment --preset tiny --json
    compare list layers
    """
    if what == _LAYERS:
        _list_layers(json)
    elif what:
        _list_task(what, preset, json)
    else:
        _list_all(json)


def _list_layers(json: bool) -> None:
    rows = parameter_shapes()
    if json:
        _print_json([row._asdict() for row in rows])
    else:
        _print_layers(rows)


def _list_task(name: str, preset: str, json: bool) -> None:
    names = [*installed("task"), _LAYERS]
    if not is_file(name) and name not in names:
        raise unknown("list", name, names)
    task = load_task(name)
    fields = describe_fields(resolve(task, preset, []))
    if json:
        _print_json(
            {
                "task": task.name,
                "presets": list(task.presets),
                "metrics": list(task.metrics),
                "preset": preset,
                "fields": [asdict(field) for field in fields],
            }
        )
        return
    table = _fields_table(fields, preset)
    if fits(table):
        print_whole(table)
    else:
        _print_blocks(fields)
    say(f"presets of {task.name}: {', '.join(task.presets)}; --preset shows the values of one")
    if task.metrics:
        say(f"metrics: {', '.join(task.metrics)}")
    say("to set one: --set SECTION.FIELD=VALUE, such as --set train.batch=8")


def _fields_table(fields: list[Described], preset: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("field", no_wrap=True, min_width=max(len(one.name) for one in fields) + 3)
    add_words(table, f"in {preset}", (written(one.value) for one in fields), _MOST_WORDS)
    add_words(table, "takes", (one.takes for one in fields), _MOST_WORDS)
    table.add_column("means", overflow="fold", min_width=_LEAST_MEANING)
    for section, members in groupby(fields, key=lambda field: field.section):
        table.add_row(Text(section, style="bold"))
        for one in members:
            texts = f"  .{one.name}", written(one.value), one.takes, one.meaning
            table.add_row(*map(Text, texts))
    return table


def _print_blocks(fields: list[Described]) -> None:
    """Each field with its value, and below it what it takes and means."""
    for one in fields:
        say(f"{one.key} = {written(one.value)}")
        words = Text(f"takes {one.takes}: {one.meaning}")
        console().print(Padding(words, (0, 0, 0, 4)))


def _print_layers(rows: list[ShapeOf]) -> None:
    """A table, or where that is too wide each layer with its parameters below it."""
    table = _layers_table(rows)
    if fits(table):
        print_whole(table)
        return
    for kind, members in groupby(rows, key=lambda row: row.kind):
        say(kind)
        for row in members:
            say("  " + " ".join(filter(None, (row.parameter or "none", _shape(row), row.where))))


def _layers_table(rows: list[ShapeOf]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    shapes = [_shape(row) for row in rows]
    add_words(table, "layer", (row.kind for row in rows), _MOST_WORDS)
    add_words(table, "parameter", (row.parameter for row in rows), _MOST_WORDS)
    add_words(table, "shape", shapes, max(map(len, shapes)))
    add_words(table, "where", (row.where for row in rows), _MOST_WORDS)
    for kind, members in groupby(rows, key=lambda row: row.kind):
        for number, row in enumerate(members):
            texts = "" if number else kind, row.parameter or "none", _shape(row), row.where
            table.add_row(*map(Text, texts))
    return table


def _shape(row: ShapeOf) -> str:
    return f"({', '.join(row.shape)})" if row.parameter else ""


def _list_all(json: bool) -> None:
    tasks = {name: load_task(name) for name in sorted(installed("task"))}
    backends = survey.describe_backends(installed("backend"), {})
    reports = {report.name: report.filename for report in load_reports()}
    exports = sorted(installed("export"))
    if json:
        lists = {
            "tasks": {
                name: {"presets": list(task.presets), "metrics": list(task.metrics)}
                for name, task in tasks.items()
            },
            "backends": {
                name: {"modes": one.modes, "oracle": one.oracle, "problem": one.problem}
                for name, one in backends.items()
            },
        }
        _print_json({**lists, "reports": reports, "exports": exports})
        return
    out = console()
    out.print("[bold]tasks[/]; every field of one: compare list TASK")
    for name, task in tasks.items():
        metrics = f"; metrics {', '.join(task.metrics)}" if task.metrics else ""
        out.print(Text(f"  {name}: presets {', '.join(task.presets)}{metrics}"))
    out.print("[bold]backends[/], the default mode first")
    for name, backend in backends.items():
        role = " (the oracle, not raced unless named)" if backend.oracle else ""
        out.print(Text(f"  {name}: {backend.problem or ', '.join(backend.modes)}{role}"))
    out.print("[bold]reports[/]")
    for name, filename in reports.items():
        out.print(Text(f"  {name}: {filename or 'printed'}"))
    out.print("[bold]exports[/]")
    out.print(Text(f"  {', '.join(exports)}"))
    out.print("[bold]layers[/]: compare list layers")


def _print_json(found: Any) -> None:
    print(json_module.dumps(found, indent=2))
