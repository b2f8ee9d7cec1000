"""`compare explain`: why the models that a run trained answer as they do."""

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from compare.commands import completion, options
from compare.commands.options import long, what
from compare.errors import UserError, unknown
from compare.planning.kept import header_of_run, kept_choices
from compare.records.explanations import METHODS
from compare.records.record_types import Header
from compare.records.run_folder import RunFolder
from compare.records.values import CellName
from compare.running.jobs import plan_to_ask
from compare.running.progress import watched


def explain(
    run: Annotated[
        Path,
        typer.Argument(
            help="Run folder, made with --save-weights.", autocompletion=completion.run_folder
        ),
    ],
    backend: options.Backends = "",
    method: Annotated[
        str,
        what(
            help=f"{', '.join(METHODS)}, with commas; all by default.",
            autocompletion=completion.one_of(*METHODS),
        ),
    ] = "",
    example: Annotated[int | None, what(min=0, help="One validation text, by number.")] = None,
    prompt: Annotated[
        str | None, what(help="A text of your own, in place of validation texts.")
    ] = None,
    seeds: Annotated[
        list[Path] | None,
        what(
            metavar="RUN",
            help="The same training from another seed, to compare with; more than once.",
            autocompletion=completion.run_folder,
        ),
    ] = None,
    shuffled: Annotated[
        Path | None,
        what(
            metavar="RUN",
            help="The same training with task.shuffled=true: what finds nothing must be chance.",
            autocompletion=completion.run_folder,
        ),
    ] = None,
    examples: Annotated[int, long(min=1, help="Validation texts.")] = 200,
    python: options.Python = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Which words made a model answer so, and whether frameworks agree.

    Examples:
    compare explain results/RUN
    compare explain results/RUN --method integrated --example 17
    compare explain results/RUN --seeds results/OTHER
    """
    # Here, so that no other command has to wait for them.
    from compare.explain.asking import Kept
    from compare.explain.explaining import explain_run, methods_for
    from compare.explain.texts import texts_of
    from compare.records.explanations import write
    from compare.reporting.explained import explained_files, explained_words

    if prompt is not None and example is not None:
        raise UserError("--prompt is a text of its own: leave --example out")
    folder, pythons = RunFolder(run), options.interpreters(python)
    header = header_of_run(folder)
    choices = kept_choices(folder, header, options.split_backends(backend), pythons)
    with watched(quiet) as progress:
        progress.begin("preparing the data")
        plan = plan_to_ask(folder, header, options.command_line(), progress, choices)
        methods = _methods(method, methods_for(plan))
        cells = [choice.cell for choice in choices]
        others = dict(_same_training(RunFolder(path), header, cells) for path in seeds or [])
        if shuffled:
            _same_training(RunFolder(shuffled), header, cells, shuffled=True)
        chance = RunFolder(shuffled) if shuffled else None
        kept = Kept(folder, header, plan, choices, others, chance)
        texts = texts_of(header.experiment, plan.prepared, examples, example, prompt)
        explained = explain_run(kept, texts, methods, progress.count)
        if not explained.backends():
            raise UserError("; ".join(explained.notes))
        write(folder.path, explained)
        paths = explained_files(folder.path, explained)
    if json:
        print(json_module.dumps(explained.model_dump(mode="json")))
    else:
        print(explained_words(explained), end="")
        for path in paths:
            print(f"Page: {path}")
    raise typer.Exit(1 if explained.failed else 0)


def _methods(text: str, offered: Sequence[str]) -> list[str]:
    """Those that are asked for, or all; raises UserError for one that this model does not allow."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name in METHODS and name not in offered:
            raise UserError(f"--method {name} follows attention, and this model has other ways")
        if name not in offered:
            raise unknown("method", name, list(METHODS), where="--method")
    return wanted or list(offered)


def _same_training(
    folder: RunFolder, header: Header, cells: Sequence[CellName], shuffled: bool = False
) -> tuple[int, RunFolder]:
    """The seed of a run, and its folder, where nothing else differs from the header's run, or
    nothing but that and its labels, which are shuffled."""
    own, other = header.experiment, header_of_run(folder).experiment
    alike = {
        "train": other.train.model_copy(update={"seed": own.train.seed}) == own.train,
        "model": other.model == own.model,
        "optimizer": other.optimizer == own.optimizer,
        "data": other.data == own.data | ({"labels": "shuffled"} if shuffled else {}),
    }
    differing = [name for name, same in alike.items() if not same]
    if shuffled and other.data == own.data:
        raise UserError(
            f"'{folder.path}' was trained on the labels as they are: train one more with"
            " --set task.shuffled=true"
        )
    if differing:
        which = "on shuffled labels" if shuffled else "from another seed"
        raise UserError(
            f"'{folder.path}' is not the same training {which}: other {', '.join(differing)}"
        )
    if not any(folder.weights(cell).is_file() for cell in cells):
        raise UserError(f"'{folder.path}' has no weights of these backends: --save-weights")
    if not shuffled and other.train.seed == own.train.seed:
        raise UserError(f"'{folder.path}' has the same seed, {other.train.seed}: take another")
    return other.train.seed, folder
