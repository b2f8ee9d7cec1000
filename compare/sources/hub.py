"""Datasets of the Hugging Face hub, or folders in one of its forms, through `datasets`."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from textwrap import shorten
from typing import Any

from compare.errors import UserError, unknown
from compare.sources.tables import as_text

_PATIENCE = 5.0  # seconds to wait for the hub to answer before it counts as out of reach

Splits = Mapping[str, Any]  # the library's DatasetDict, which has no types


def read_hub(name: str, split: str, columns: Sequence[str]) -> list[list[str]]:
    """The texts of some columns of one split of a dataset, a list for each column.

    `name` is NAME, OWNER/NAME, OWNER/NAME/CONFIG, or NAME/CONFIG: of two parts, OWNER/NAME is
    tried first. A name that begins with `.`, `/` or `~` is a folder of csv, json, parquet or text
    files. Columns within columns have names with dots, such as `translation.en`. Labels are given
    by name; numbers become text, and null the empty text.

    Raises UserError if `datasets` is not installed, for a dataset that cannot be had, and for a
    split or column that it does not have or that holds no text.
    """
    try:
        import datasets
    except ModuleNotFoundError:
        raise UserError(
            "hf: needs the datasets library: pip install 'framework-compare[hf]'"
        ) from None
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    with redirect_stdout(sys.stderr):  # stdout is for results alone
        splits = _folder(name) if name.startswith((".", "/", "~")) else _from_hub(name)
    where = f"'hf:{name}'"
    if split not in splits:
        raise unknown("split", split, splits, where)
    table = splits[split].flatten()
    for column in columns:
        if column not in table.column_names:
            raise unknown("column", column, table.column_names, where)
    return [_texts(table, column, f"{where}, split '{split}'") for column in columns]


def _texts(table: Any, column: str, where: str) -> list[str]:
    feature, values = table.features[column], enumerate(table[column][:], 1)
    names = getattr(feature, "names", None)  # of a ClassLabel
    if names is None:
        return [as_text(value, f"{where}, row {row}, '{column}'") for row, value in values]
    # Where a label was kept secret, as in many test splits, it is -1.
    return [names[value] if value is not None and value >= 0 else "" for _, value in values]


def _folder(name: str) -> Splits:
    folder = Path(os.path.expanduser(name)).resolve()  # noqa: PTH111 (never raises)
    if folder.is_file():
        raise UserError(f"'hf:{name}' is a file: give its folder, or the file as --data {name}")
    if not folder.is_dir():
        raise UserError(f"'hf:{name}': there is no folder '{folder}'")
    if marks := [mark for mark in "*?[" if mark in str(folder)]:
        raise UserError(f"'hf:{name}': to the library '{marks[0]}' is a pattern: rename '{folder}'")
    return _load(name, str(folder), None)


def _from_hub(name: str) -> Splits:
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub import constants

    missing: Exception | None = None
    with _without_long_waits():
        for repository, config in _readings(name):
            try:
                return _load(name, f"hf://datasets/{repository}", config)
            except (ConnectionError, DatasetNotFoundError) as error:
                missing = error
    if isinstance(missing, DatasetNotFoundError):
        raise UserError(
            f"'hf:{name}' is not a dataset of {constants.ENDPOINT}, or not for everybody: "
            "check the name, or log in with 'hf auth login'"
        )
    raise UserError(
        f"'hf:{name}' is not in the library's cache, and {constants.ENDPOINT} is out of reach: "
        "load it once with a connection, or bring its files and give --data FILE or hf:./FOLDER"
    )


def _readings(name: str) -> list[tuple[str, str | None]]:
    """(repository, configuration), in the order in which they are tried."""
    match name.split("/"):
        case [repository] if repository:
            return [(repository, None)]
        case [first, second] if first and second:
            return [(name, None), (first, second)]
        case [owner, repository, config] if owner and repository and config:
            return [(f"{owner}/{repository}", config)]
    raise UserError(
        f"'hf:{name}' names no dataset: it is hf:NAME, hf:OWNER/NAME or hf:OWNER/NAME/CONFIG, "
        "or a folder, hf:./FOLDER"
    )


def _load(name: str, path: str, config: str | None) -> Splits:
    """All splits; what cannot be reached or does not exist is left to the caller."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    try:
        splits: Splits = load_dataset(path, config)
    except (ConnectionError, DatasetNotFoundError):
        raise
    except Exception as error:  # each of the library's parsers has errors of its own
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        told = shorten(str(cause), 300, placeholder=" ...") or type(cause).__name__
        raise UserError(f"'hf:{name}' cannot be loaded: {told}") from None
    return splits


@contextmanager
def _without_long_waits() -> Iterator[None]:
    """Use the library's offline mode, and so its cache, while the hub does not answer.

    Otherwise the library tries again and again, for some 20 seconds a name.
    """
    from datasets import config
    from huggingface_hub import constants, get_session

    before = config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    except Exception:  # no name service, no route, a proxy's refusal, offline mode already: all one
        config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before
