"""How adapters are written on the command line, in every command alike.

NAME is an installed backend in its default mode, PATH an adapter file; NAME:MODE and PATH:MODE take
another mode, NAME:all and PATH:all each of them. `--python` takes NAME=PYTHON or PATH=PYTHON, where
a file can also go by its name alone, which is that of its backend. NAME@TAG=PYTHON is one more row
of the backend NAME, in an interpreter of its own, called NAME@TAG wherever it is named.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from compare.errors import UserError, unknown
from compare.plugins import is_file

EVERY_MODE = "all"


def adapter_and_mode(text: str) -> tuple[str, str]:
    """The two parts of a text such as "torch:eager" or "some/mine.py:compile"; the mode is empty
    where none is given. A folder in a path may have a colon in its name."""
    text = text.strip()
    head, colon, mode = text.rpartition(":")
    return (head, mode) if colon and "/" not in mode and not is_file(text) else (text, "")


def untagged(adapter: str) -> tuple[str, str]:
    """The adapter alone of one that may have a tag, and the tag; empty where it has none."""
    head, at, tag = adapter.rpartition("@")
    tagged = bool(head) and re.fullmatch(r"[\w.-]+", tag) is not None and not is_file(adapter)
    return (head, tag) if at and tagged else (adapter, "")


def is_meant(text: str, adapter: str) -> bool:
    """Whether a name or path means this adapter, which is a name or a path as well."""
    (text, tag), (adapter, its_tag) = untagged(text), untagged(adapter)
    return tag == its_tag and _is_same(text, adapter)


def with_tagged(
    adapters: Sequence[tuple[str, str]], pythons: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Adapters and modes, and behind each the tagged ones of it that `--python` has: in the same
    mode, unless they are named themselves."""
    named, found = {adapter for adapter, _ in adapters}, list[tuple[str, str]]()
    for adapter, mode in adapters:
        found.append((adapter, mode))
        for base, tag in map(untagged, pythons):
            tagged = f"{adapter}@{tag}"
            if tag and is_meant(base, adapter) and tagged not in named:
                found.append((tagged, mode))
    return found


def _is_same(text: str, adapter: str) -> bool:
    if text == adapter:
        return True
    if not is_file(adapter):
        return False
    if is_file(text):
        return Path(text).resolve() == Path(adapter).resolve()
    return text == Path(adapter).stem


def interpreter_of_each(pythons: Mapping[str, str], adapters: Iterable[str]) -> dict[str, str]:
    """The interpreter of each adapter that has one of its own, of what `--python` says.

    Raises UserError for a name or path that is none of the adapters.
    """
    wanted, found = list(adapters), dict[str, str]()
    for text, python in pythons.items():
        meant = [adapter for adapter in wanted if is_meant(text, adapter)]
        if not meant:
            raise unknown("backend", text, wanted, where="--python")
        found |= dict.fromkeys(meant, python)
    for adapter in wanted:
        if untagged(adapter)[1] and adapter not in found:
            raise UserError(f"'{adapter}' has no interpreter: --python {adapter}=PYTHON names it")
    return found
