"""What the shell completes: tasks, presets, fields and their values, backends, run folders.

`compare --install-completion` teaches it to a shell. Each function here is asked with what has been
typed of one word; nothing is printed where nothing is known.
"""

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from pathlib import Path

import typer

from compare.contracts.loading import load_task
from compare.contracts.task import Task
from compare.errors import UserError
from compare.planning import survey
from compare.planning.fields import Described, describe_fields, written
from compare.plugins import Kind, installed
from compare.records.run_folder import RECORDS
from compare.records.sweep_folder import is_sweep

Offered = list[tuple[str, str]]
"""Words with a meaning each, which some shells show"""

_before = ""  # of the word that is typed, what the shell keeps to itself


def whole_words(environ: MutableMapping[str, str]) -> None:
    """Put together what bash has taken apart: to it `torch:eager` is three words, and so is
    `model.architecture=gru`, of which it hands over and replaces the last alone."""
    global _before
    pieces = environ.get("COMP_WORDS", "").split("\n")
    if len(pieces) == 1:  # another shell, or none that completes
        return
    words, joins, cursor = list[str](), False, ""
    for piece in pieces[: int(environ["COMP_CWORD"]) + 1]:
        breaks = piece != "" and not piece.strip("=:")
        if piece == "=" and words[-1].startswith("--"):  # --option=value
            words.append("")
        elif breaks or joins:
            words[-1] += piece
        else:
            words.append(piece)
        joins, cursor = breaks, "" if breaks else piece
    last = words.pop()
    _before = last.removesuffix(cursor)
    environ["COMP_WORDS"], environ["COMP_CWORD"] = "\n".join([*words, cursor]), str(len(words))


def _offer(words: Iterable[str | tuple[str, str]], incomplete: str) -> Offered:
    typed = _before + incomplete
    pairs = (word if isinstance(word, tuple) else (word, "") for word in words)
    return [(word[len(_before) :], told) for word, told in pairs if word.startswith(typed)]


def plugin(kind: Kind, *others: str) -> Callable[[str], Offered]:
    """Completes the names of installed plug-ins, and some more words."""

    def names(incomplete: str) -> Offered:
        return _offer([*sorted(installed(kind)), *others], incomplete)

    return names


def one_of(*words: str) -> Callable[[str], Offered]:
    """Completes one of these words."""

    def offered(incomplete: str) -> Offered:
        return _offer(words, incomplete)

    return offered


def nothing(incomplete: str) -> Offered:
    """For paths: the shell completes them itself."""
    return []


def preset(context: typer.Context, incomplete: str) -> Offered:
    return _offer([name for task in _tasks(context) for name in task.presets], incomplete)


def assignment(context: typer.Context, incomplete: str) -> Offered:
    """`SECTION.FIELD=`, and after it the words that the field takes."""
    fields = {field.key: field for task in _tasks(context) for field in _fields(task)}
    typed = _before + incomplete
    key, equals, _ = typed.partition("=")
    if equals:
        found = fields[key].choices if key in fields else ()
        return _offer([f"{key}={choice}" for choice in found], incomplete)
    words = [(f"{key}=", field.meaning) for key, field in fields.items() if key.startswith(typed)]
    if (
        len(words) == 1
    ):  # with its values, since a shell puts a space after a word that stands alone
        ((key, _),) = words
        field = fields[key.removesuffix("=")]
        words += [(f"{key}{value}", "") for value in field.choices or [written(field.value)]]
    return _offer(words, incomplete)


def target(context: typer.Context, incomplete: str) -> Offered:
    """The metrics that a run can go on to."""
    metrics = [metric for task in _tasks(context) for metric in task.metrics]
    return _offer([f"{metric}=" for metric in dict.fromkeys(["loss", *metrics])], incomplete)


def backends(incomplete: str) -> Offered:
    """The last of a list such as `torch:eager,jax`: names, and after a colon modes."""
    typed = _before + incomplete
    listed, comma, last = typed.rpartition(",")
    name, colon, _ = last.partition(":")
    words = sorted(installed("backend"))
    if colon:
        described = survey.describe_backends([name] if name in words else [], {})
        words = [f"{name}:{mode}" for one in described.values() for mode in one.modes]
    return _offer([f"{listed}{comma}{word}" for word in words], incomplete)


def run_folder(incomplete: str) -> Offered:
    """Folders of runs and sweeps: those in `results`, and those where what is typed leads."""
    typed = _before + incomplete
    above = typed[: typed.rfind("/") + 1]
    return _offer(dict.fromkeys([*_runs_in("results/"), *_runs_in(above)]), incomplete)


def _runs_in(folder: str) -> Iterator[str]:
    where = Path(folder)
    for path in sorted(where.iterdir()) if where.is_dir() else []:
        if (path / RECORDS).is_file() or is_sweep(path):
            yield f"{folder}{path.name}"


def _tasks(context: typer.Context) -> list[Task]:
    """The task that was typed before, or else all of them."""
    named = context.params.get("task")
    try:
        return [load_task(name) for name in ([named] if named else sorted(installed("task")))]
    except UserError:  # it is told when the command is given
        return []


def _fields(task: Task) -> list[Described]:
    return describe_fields(task.settings())
