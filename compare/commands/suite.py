"""`compare suite`: every task, one after the other, and the table across them."""

from pathlib import Path
from typing import Annotated

from compare.commands import completion, options
from compare.commands.ending import end_suite
from compare.commands.options import where
from compare.contracts.loading import load_task
from compare.plugins import installed
from compare.records.place import require_place
from compare.records.suite_folder import SuiteFolder
from compare.records.values import Request
from compare.reporting.showing import required_across
from compare.running.jobs import play_suite
from compare.running.progress import watched


def suite(
    preset: options.Preset = "small",
    backend: options.Backends = "",
    set_: options.Set = None,
    config: options.Config = None,
    python: options.Python = None,
    out: Annotated[
        Path | None,
        where(
            help="Folder of the suite; one that was begun goes on.",
            autocompletion=completion.nothing,
        ),
    ] = None,
    columns: options.Columns = "",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Play every task on its generated data, and compare across them.

    Examples:
    compare suite --preset tiny
    compare suite --backend torch:eager,jax --out results/SUITE
    """
    options.require_utf8(preset, backend, *(set_ or []), *(python or []))
    require_place(out or Path("results"))
    folder = SuiteFolder(out) if out else SuiteFolder.new(Path("results"), preset)
    view = required_across(options.view(columns=columns))
    requests = [
        Request(
            task=task,
            preset=preset,
            overrides=options.overrides(load_task(task), config, set_, {}),
            backends=options.split_backends(backend),
            pythons=options.interpreters(python),
            folder=options.working_folder(),
        )
        for task in sorted(installed("task"))
    ]
    command = options.command_line()
    with watched(quiet) as progress:
        interrupted = play_suite(folder, requests, command, progress)
    end_suite(folder, interrupted, json, view)
