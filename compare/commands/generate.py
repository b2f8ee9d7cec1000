"""`compare generate`: text from the weights that a run kept."""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from compare.commands import completion, options
from compare.commands.options import long, what
from compare.errors import UserError
from compare.planning.kept import header_of_run, kept_choices, kept_weights
from compare.records.run_folder import RunFolder
from compare.running.generation import generating
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
    header = header_of_run(folder)
    if header.experiment.model.classifies():
        raise UserError(f"'{folder.path}' trained a classifier: it has no text to give")
    if header.experiment.decoding and (temperature or top_k):
        raise UserError("--temperature and --top-k draw, and this output is searched for")
    if top_k and not temperature:
        raise UserError("--top-k draws, which takes a --temperature above 0")
    wanted, pythons = options.split_backends(backend)[:1], options.interpreters(python)
    choice = kept_choices(folder, header, wanted, pythons)[0]
    tokenizer = tokenizer_of(folder)
    # Written as the text was that it was trained on, or its letters may be unknown.
    form: Normalise = "nfc" if header.experiment.data.get("normalise") == "nfc" else "none"
    ids = tokenizer.encode(normalised(prompt, form)).tolist()
    if not ids:
        raise UserError("--prompt is empty: give it a token to go on from")
    how = {"tokens": tokens, "temperature": temperature, "top_k": top_k, "seed": seed, "texts": 1}
    with watched(quiet) as progress:
        progress.begin(f"generating with {choice.cell.label}")
        try:
            with generating(header, choice, kept_weights(folder, choice.cell)) as generate_texts:
                (found,) = generate_texts(prompt=ids, **how)
        except CellEnded as end:
            raise UserError(f"{choice.cell.label} cannot generate: {end.reason}") from None
    # A language model goes on where the prompt ends; a translation stands for itself.
    text = tokenizer.decode(found if header.experiment.decoding else ids + found)
    print(json_module.dumps({"prompt": prompt, "text": text, "ids": found}) if json else text)


def tokenizer_of(folder: RunFolder) -> Tokenizer:
    try:
        return Tokenizer.from_json(json_module.loads(folder.tokenizer.read_text("utf-8")))
    except FileNotFoundError:
        raise UserError(f"'{folder.path}' has no tokenizer: its task gave it none") from None
