"""Pages that are made of the program, so that they cannot tell another story than it does.

    python docs/generate.py

writes `commands.md`, `fields.md`, `columns.md`, `layers.md` and `changelog.md` anew; a test holds
that they are as it would.
"""

import os
import subprocess
import sys
from pathlib import Path

import typer
from compare.report import cost_columns
from compare.report.columns import every_result

from compare.cli import app
from compare.contracts.loading import load_task
from compare.planning.fields import Described, describe_fields, written
from compare.plugins import installed
from compare.spec.vocabulary import parameter_shapes

HERE = Path(__file__).parent
_SAID = {
    "backend": "a framework and its mode",
    "status": "`ok`; `skipped`: not installed, or not able to; `failed`: it died, hung or ran out"
    " of memory; `parity_failed`: it computed something else",
    "device": "what it ran on",
    "per 1M tokens": "what they cost at this rate, with `--price-per-hour`",
    "step": "one steady optimiser step",
    "perplexity": "e to the validation loss",
    "train loss": "nats per token after the last step",
    "valid. loss": "nats per token on text that was not trained on, in float64",
    "compile": "what the first steps took beyond a step",
    "import": "seconds to import the framework",
    "build": "seconds to build model and optimiser",
    "warm-up": "seconds of the first steps, without compiling",
    "steady": "seconds of the timed windows",
    "evaluation": "seconds of the validation loss",
    "GFLOP/s": "by the operations of the model's description",
    "device peak": "memory of the device, while training",
    "idle": "resident once the framework is imported",
    "process peak": "resident, in the worker's whole life",
    "J/step": "by RAPL or NVML counters",
    "MHz": "clock of the CPUs",
}
_WIDTH = "96"


def pages() -> dict[str, str]:
    """Each page by the name of its file."""
    return {
        "commands.md": _commands(),
        "fields.md": _fields(),
        "columns.md": _columns(),
        "layers.md": _layers(),
        "changelog.md": (HERE.parent / "CHANGELOG.md").read_text("utf-8"),
    }


def _commands() -> str:
    parts = [
        "# Every command\n\nAs `--help` prints it. Exit codes: 0, all that could run did; 1, a"
        " backend failed or left the\nparity gate, or `diff` found a regression; 2, what was asked"
        " for is not right; 3, `diff` cannot\ntell; 130, 143 and 129, ended by Ctrl-C,"
        " SIGTERM, SIGHUP.\n"
    ]
    names = list(getattr(typer.main.get_command(app), "commands"))  # noqa: B009 - of a group only
    for name in ["", *names]:
        title = f"compare {name}".strip()
        parts.append(f"## {title}\n\n```text\n{_help_of(name)}\n```\n")
    return "\n".join(parts)


def _help_of(name: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "compare", *filter(None, [name]), "--help"],
        capture_output=True, text=True, check=True,
        env={**os.environ, "COLUMNS": _WIDTH, "TERM": "dumb", "NO_COLOR": "1"},
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def _fields() -> str:
    tasks = {name: load_task(name) for name in ("lm", *sorted(set(installed("task")) - {"lm"}))}
    shared = describe_fields(tasks["lm"].settings())
    parts = [
        "# Every setting\n\n`--set SECTION.FIELD=VALUE` sets one, a file given to `--config` many,"
        " a sweep several values\nof one. Values are those of the preset `small`; `compare list"
        " TASK --preset NAME` shows others.\n\n## Language modelling\n",
        _table(shared),
    ]
    known = {(one.key, one.meaning, one.takes, str(one.value)) for one in shared}
    for name, task in list(tasks.items())[1:]:
        own = [
            one
            for one in describe_fields(task.settings())
            if (one.key, one.meaning, one.takes, str(one.value)) not in known
        ]
        parts += [
            f"\n## {name.capitalize()}\n\nWhat differs from language modelling:\n",
            _table(own),
        ]
    return "\n".join(parts)


def _table(fields: list[Described]) -> str:
    rows = ["| field | meaning | takes | value |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{one.key}` | {_cell(one.meaning)} | {_cell(one.takes)} | {_code(written(one.value))} |"
        for one in fields
    ]
    return "\n".join(rows) + "\n"


def _columns() -> str:
    rows = [
        "# Every column\n\nOf terminals, pages and files; one that no row has a figure for is left"
        " out. `--columns` takes\nthese titles.\n",
        "| column | what it is |",
        "| --- | --- |",
    ]
    metrics = dict.fromkeys(m for name in installed("task") for m in load_task(name).metrics)
    for column in [*every_result(list(metrics), "target"), *cost_columns.costs()]:
        meaning = column.meaning or _SAID[column.title]
        rows.append(f"| `{column.title}` | {_cell(meaning)} |")
    return "\n".join(dict.fromkeys(rows)) + "\n"


def _layers() -> str:
    rows = [
        "# Every parameter of every layer\n\nCanonical names and shapes, for adapters: `compare"
        " list layers` prints them too.\n",
        "| layer | parameter | shape | where |",
        "| --- | --- | --- | --- |",
    ]
    for one in parameter_shapes():
        shape = " by ".join(one.shape)
        name = _code(one.parameter) or "none"
        rows.append(f"| {one.kind} | {name} | {shape} | {_cell(one.where)} |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, "utf-8")
