"""`compare fair`: thresholds for each group, on what a run's backends answered, or of language
models how likely they find pairs of texts, and whom they speak of."""

from pathlib import Path
from typing import Annotated

import typer

from compare.commands import completion, options
from compare.commands.continuations import continuations_of_run, print_continuations
from compare.commands.options import long, what
from compare.commands.pairs import pairs_of_data, pairs_of_run
from compare.commands.thresholds import thresholds_of_run, thresholds_of_sweep
from compare.errors import UserError, unknown
from compare.fairness.pairs import Pairs
from compare.fairness.thresholds import CONSTRAINTS
from compare.planning.kept import header_of_run, kept_choices
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.running.progress import watched


def fair(
    run: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run whose texts have groups, or of a sweep.",
            autocompletion=completion.run_folder,
        ),
    ],
    constraint: Annotated[
        str | None,
        what(
            help=f"{', '.join(CONSTRAINTS)}; the first by default.",
            autocompletion=completion.one_of(*CONSTRAINTS),
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        what(
            metavar="FILE",
            help="Of a language model: pairs of texts, .csv or .tsv of two named columns.",
            autocompletion=completion.nothing,
        ),
    ] = None,
    words: Annotated[
        Path | None,
        what(
            metavar="FILE",
            help="Of a language model: words of two groups, and of what may be said of them,"
            " .csv or .tsv of named columns.",
            autocompletion=completion.nothing,
        ),
    ] = None,
    backend: options.Backends = "",
    texts: Annotated[
        int | None, long(min=30, max=100_000, help="That --words draws; 2,000 by default.")
    ] = None,
    tokens: Annotated[
        int | None, long(min=1, max=100_000, help="Of such a text, at most; 40 by default.")
    ] = None,
    python: options.Python = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """A threshold for each group of people, after training; or what a language model makes of them.

    Thresholds are fitted on one half of the validation texts and judged on the other, by fairlearn.

    Examples:
    compare fair results/RUN
    compare fair results/RUN --constraint equalized_odds
    compare fair results/SWEEP
    compare fair results/LM
    compare fair results/LM --pairs twins.tsv
    compare fair results/LM --words people.csv
    """
    if constraint and constraint not in CONSTRAINTS:
        raise unknown("constraint", constraint, list(CONSTRAINTS), where="--constraint")
    if (constraint is not None) + (pairs is not None) + (words is not None) > 1:
        raise UserError("--constraint, --pairs, --words: each has figures of its own, give one")
    if words is None and (texts or tokens):
        raise UserError(f"--{'texts' if texts else 'tokens'} is of --words: give it a file")
    wanted, chosen = options.split_backends(backend), constraint or next(iter(CONSTRAINTS))
    if is_sweep(run) and pairs is None and words is None:
        _require_no_python(python)
        raise typer.Exit(0 if thresholds_of_sweep(SweepFolder(run), wanted, chosen, json) else 1)
    folder = RunFolder(run)
    header = header_of_run(folder)
    model = header.experiment.model
    speaks = not model.classifies() and header.experiment.decoding is None
    if pairs is None and words is None and (constraint or not speaks):
        _require_no_python(python)
        raise typer.Exit(0 if thresholds_of_run(folder, header, wanted, chosen, json) else 1)
    if not speaks:
        option = "--pairs" if pairs is not None else "--words"
        raise UserError(f"{option} is of language models, and '{run}' trained another")
    choices = kept_choices(folder, header, wanted, options.interpreters(python))
    with watched(quiet) as progress:
        if words is not None:
            told, missing = continuations_of_run(
                folder, header, words, choices, texts or 2000, tokens or 40, progress
            )
        elif pairs is not None:
            found = Pairs.read(pairs)
        else:
            found = pairs_of_data(folder, header, choices, progress)
    if words is not None:
        print_continuations(told, missing, json)
        raise typer.Exit(1 if missing else 0)
    raise typer.Exit(0 if pairs_of_run(folder, header, found, choices, json) else 1)


def _require_no_python(python: list[str] | None) -> None:
    if python:
        raise UserError("--python is of language models: thresholds are of stored outputs")
