"""`compare generate`: text from the weights that a run kept."""

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from compare.commands import options
from compare.errors import UserError, unknown
from compare.planning.choice import Choice
from compare.planning.selection import choose_cells
from compare.planning.spelling import adapter_and_mode, is_meant
from compare.plugins import is_file
from compare.records.record_types import Header, header_of
from compare.records.run_folder import RECORDS, RunFolder
from compare.running.generation import generate_ids
from compare.text.tokens import Tokenizer
from compare.worker.process import CellEnded


def generate(
    run: Annotated[Path, typer.Argument(help="Run folder, made with --save-weights.")],
    prompt: Annotated[str, typer.Option(help="Text to go on from, to translate, to summarise.")],
    backend: Annotated[str, typer.Option(help="One of the run's; the first by default.")] = "",
    tokens: Annotated[int, typer.Option(min=1, help="How many to add to a prompt.")] = 100,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest token.")] = 0,
    top_k: Annotated[int | None, typer.Option(min=1, help="Of the likeliest k tokens.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws, where temperature > 0.")] = 1,
    python: options.Python = None,
    json: options.Json = False,
) -> None:
    """Text from a run's final weights."""
    folder = RunFolder(run)
    header = _header(folder)
    choice = _choice(folder, header, backend, options.interpreters(python))
    tokenizer = _tokenizer(folder)
    ids = tokenizer.encode(prompt).tolist()
    if not ids:
        raise UserError("--prompt is empty: give it a token to go on from")
    how = {"tokens": tokens, "temperature": temperature, "top_k": top_k, "seed": seed}
    with Console(stderr=True).status(choice.cell.label):
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
