"""`compare fair`: thresholds for each group, on what a run's backends answered, or of language
models how likely they find pairs of texts, and whom they speak of."""

import json as json_module
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from compare.commands import completion, options
from compare.commands.continuations import continuations_of_run, print_continuations
from compare.commands.options import long, what
from compare.commands.pairs import pairs_of_run
from compare.commands.tables import print_whole, say, tell_missing
from compare.contracts.task import class_names
from compare.errors import UserError, unknown
from compare.fairness.thresholds import CONSTRAINTS, Thresholded, judged_of, thresholded
from compare.findings.number_text import NOTHING, estimate
from compare.planning.kept import header_of_run, kept_choices
from compare.planning.spelling import adapter_and_mode, is_meant
from compare.records.groups import Groups
from compare.records.record_types import Evaluated, Header
from compare.records.run_folder import RunFolder
from compare.records.values import CellName
from compare.running.progress import watched

_RATES = {"selection": "selection", "tpr": "TPR", "fpr": "FPR"}


def fair(
    run: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run whose texts have groups.", autocompletion=completion.run_folder
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
    compare fair results/LM --pairs twins.tsv
    compare fair results/LM --words people.csv
    """
    if constraint and constraint not in CONSTRAINTS:
        raise unknown("constraint", constraint, list(CONSTRAINTS), where="--constraint")
    if (constraint is not None) + (pairs is not None) + (words is not None) > 1:
        raise UserError("--constraint, --pairs, --words: each has figures of its own, give one")
    asks_models = pairs is not None or words is not None
    if words is None and (texts or tokens):
        raise UserError(f"--{'texts' if texts else 'tokens'} is of --words: give it a file")
    if python and not asks_models:
        raise UserError("--python is of --pairs and --words: thresholds are of stored outputs")
    folder = RunFolder(run)
    header = header_of_run(folder)
    if asks_models:
        wanted, pythons = options.split_backends(backend), options.interpreters(python)
        choices = kept_choices(folder, header, wanted, pythons)
    if pairs is not None:
        raise typer.Exit(0 if pairs_of_run(folder, header, pairs, choices, json) else 1)
    if words is not None:
        with watched(quiet) as progress:
            told, missing = continuations_of_run(
                folder, header, words, choices, texts or 2000, tokens or 40, progress
            )
        print_continuations(told, missing, json)
        raise typer.Exit(1 if missing else 0)
    found, missing = list[Thresholded](), {}
    for cell in _cells(folder, header, options.split_backends(backend)):
        try:
            found.append(_of_cell(folder, header, cell, constraint or next(iter(CONSTRAINTS))))
        except UserError as error:
            missing[cell.label] = str(error)
    if not found:
        whys = "; ".join(dict.fromkeys(missing.values()))
        raise UserError(f"'{run}' cannot be given thresholds: {whys}")
    if json:
        print(json_module.dumps([one.model_dump(mode="json") for one in found], indent=2))
    else:
        print_whole(_table(found))
        for sentence in _words(found[0]):
            say(sentence)
    tell_missing(missing, json)
    raise typer.Exit(1 if missing else 0)


def _cells(folder: RunFolder, header: Header, wanted: Sequence[str]) -> list[CellName]:
    """Those that these texts name, or all; a name without a mode is all of its modes."""
    if not header.experiment.model.classifies():
        raise UserError(
            f"'{folder.path}' cannot be given thresholds: its outputs are no classes; of a language"
            " model --pairs and --words tell"
        )
    found = list[CellName]()
    for text in wanted:
        adapter, mode = adapter_and_mode(text)
        meant = [c for c in header.cells if is_meant(c.backend, adapter) and mode in ("", c.mode)]
        if not meant:
            labels = [cell.label for cell in header.cells]
            raise unknown("backend", text, labels, where=f"'{folder.path}'")
        found += meant
    return list(dict.fromkeys(found)) or list(header.cells)


def _of_cell(folder: RunFolder, header: Header, cell: CellName, constraint: str) -> Thresholded:
    rows = _outputs(folder, cell)
    every = (r.groups for r in folder.records() if isinstance(r, Evaluated) and r.cell == cell)
    told = [groups for groups in every if groups]
    if not told:
        raise UserError("its texts are of no group: name their column by task.group")
    groups = told[-1]
    names = class_names(header.experiment.data, 2)
    positive = names.index(groups.positive) if groups.positive in names else 1
    return thresholded(cell, judged_of(rows, positive), constraint, groups.positive)


def _outputs(folder: RunFolder, cell: CellName) -> list[dict[str, Any]]:
    path = folder.outputs(cell)
    try:
        return [json_module.loads(line) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        raise UserError(f"'{path}' is missing, which has its outputs") from None
    except ValueError:
        raise UserError(f"'{path}' cannot be read: a line of it is not whole") from None


def _table(found: Sequence[Thresholded]) -> Table:
    table = Table("backend", "decided by", box=box.SIMPLE_HEAD)
    for title in (*(f"{title} difference" for title in _RATES.values()), "accuracy"):
        table.add_column(title, justify="right")
    for one in found:
        rows = (
            ("the likeliest class", one.before),
            ("thresholds", one.after),
            ("thresholds, where fitted", one.fitted),
        )
        for number, (how, groups) in enumerate(rows):
            label = "" if number else one.label
            table.add_row(Text(label), how, *_figures(groups))
    return table


def _figures(groups: Groups) -> Iterator[str]:
    gaps = {gap.rate: gap.gap for gap in groups.gaps}
    for rate in _RATES:
        yield estimate(gaps[rate], "{:.3f}") if rate in gaps else NOTHING
    yield estimate(groups.accuracy, "{:.3f}")


def _words(one: Thresholded) -> Iterator[str]:
    gap = next((gap for gap in one.after.gaps if gap.rate == "selection"), None)
    yield (
        f"Thresholds for {CONSTRAINTS[one.constraint]}: fitted on {one.fitted_on:,} validation"
        f" texts, judged on the {one.judged_on:,} others, the same ones for every backend."
    )
    if gap and gap.by_chance is None:
        yield (
            f"Differences are {gap.first} less {gap.second}, with 95% intervals over the texts that"
            " are judged; what other texts to fit on would change is not in them."
        )
    elif gap:
        yield "Differences are the largest rate less the smallest, which is never below zero."
    yield "Where a threshold would draw a decision its chance is counted: nothing is drawn here."
    yield (
        "Such thresholds need the group of everybody who is decided about, which may be unlawful"
        " where you use them; no figure here is a legal finding."
    )
