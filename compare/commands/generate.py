"""`compare generate`: text from the weights that a run kept."""

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from compare.commands import completion, options
from compare.commands.options import long, what
from compare.errors import UserError, unknown
from compare.planning.choice import Choice
from compare.planning.selection import choose_cells
from compare.planning.spelling import adapter_and_mode, is_meant
from compare.plugins import is_file
from compare.records.record_types import Header, header_of
from compare.records.run_folder import RECORDS, RunFolder
from compare.running.generation import generate_ids
from compare.running.progress import watched
from compare.text.tokens import Tokenizer
from compare.text.words import Normalise, normalised
from compare.worker.process import CellEnded


def generate(
    run: Annotated[
        Path,
        typer.Argument(
            help="Run folder, made with --save-weights.", autocompletion=completion.run_folder
        ),
    ],
    prompt: Annotated[str, what(help="Text to go on from, to translate, to summarise.")],
    backend: Annotated[
        str,
        what(help="One of the run's; the first by default.", autocompletion=completion.backends),
    ] = "",
    temperature: Annotated[float, what(min=0, max=1e6, help="0 takes the likeliest token.")] = 0,
    top_k: Annotated[int | None, what(min=1, help="Of the likeliest k tokens.")] = None,
    seed: Annotated[int, what(min=0, help="Draws, where temperature > 0.")] = 1,
    tokens: Annotated[int, long(min=1, help="How many to add to a prompt.")] = 100,
    python: options.Python = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Text from a run's final weights.

    Examples:
    compare generate results/RUN --prompt "It was"
    compare generate results/RUN --prompt "It was" --temperature 0.8 --top-k 40
    """
    folder = RunFolder(run)
    header = _header(folder)
    if header.experiment.decoding and (temperature or top_k):
        raise UserError("--temperature and --top-k draw, and this output is searched for")
    if top_k and not temperature:
        raise UserError("--top-k draws, which takes a --temperature above 0")
    choice = _choice(folder, header, backend, options.interpreters(python))
    tokenizer = _tokenizer(folder)
    # Written as the text was that it was trained on, or its letters may be unknown.
    form: Normalise = "nfc" if header.experiment.data.get("normalise") == "nfc" else "none"
    ids = tokenizer.encode(normalised(prompt, form)).tolist()
    if not ids:
        raise UserError("--prompt is empty: give it a token to go on from")
    how = {"tokens": tokens, "temperature": temperature, "top_k": top_k, "seed": seed}
    with watched(quiet) as progress:
        progress.begin(f"generating with {choice.cell.label}")
        try:
            found = generate_ids(
                header, choice, folder.weights(choice.cell), {"prompt": ids, **how}
            )
        except CellEnded as end:
            raise UserError(f"{choice.cell.label} cannot generate: {end.reason}") from None
    # A language model goes on where the prompt ends; a translation stands for itself.
    text = tokenizer.decode(found if header.experiment.decoding else ids + found)
    print(json_module.dumps({"prompt": prompt, "text": text, "ids": found}) if json else text)


def _header(folder: RunFolder) -> Header:
    if not (folder.path / RECORDS).is_file():
        raise UserError(f"'{folder.path}' is no run folder: it has no {RECORDS}")
    try:
        header = header_of(folder.records())
    except (StopIteration, ValidationError):
        raise UserError(f"'{folder.path}' cannot be read: another version wrote it") from None
    if header.experiment.model.classifies():
        raise UserError(f"'{folder.path}' trained a classifier: it has no text to give")
    return header


def _choice(folder: RunFolder, header: Header, backend: str, pythons: Mapping[str, str]) -> Choice:
    """The cell of the run whose weights are asked for; raises UserError where they are not."""
    kept = [cell for cell in header.cells if folder.weights(cell).is_file()]
    if not kept:
        raise UserError(f"'{folder.path}' has no weights: run with --save-weights")
    adapter, mode = adapter_and_mode(backend)
    for cell in kept:
        if (not adapter or is_meant(cell.backend, adapter)) and mode in ("", cell.mode):
            whose = adapter if is_file(adapter) else _adapter_of_run(header, cell.backend)
            (choice,) = choose_cells([f"{whose}:{cell.mode}"], pythons)
            return choice
    raise unknown("backend", backend, [cell.label for cell in kept], where=f"'{folder.path}'")


def _adapter_of_run(header: Header, backend: str) -> str:
    """The file that the run had its backend of this name from, or else the name."""
    asked = header.request.backends if header.request else []
    files = [adapter for adapter, _ in map(adapter_and_mode, asked) if is_meant(backend, adapter)]
    return files[0] if files else backend


def _tokenizer(folder: RunFolder) -> Tokenizer:
    try:
        return Tokenizer.from_json(json_module.loads(folder.tokenizer.read_text("utf-8")))
    except FileNotFoundError:
        raise UserError(f"'{folder.path}' has no tokenizer: its task gave it none") from None
