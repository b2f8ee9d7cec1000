"""In what two experiments, machines or sets of libraries differ, in words."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

_MISSING = object()
_LONGEST = 40  # characters of a value: of a hash the beginning tells it apart


def differing_fields(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """A line such as "train.batch: 16 and 32" for each value that differs, in the order of the
    fields; members of lists are numbered, from 0 on: "model.layers.1.hidden: 64 and 128"."""
    return list(_differing("", a, b))


def upgrades(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What became of versions by library: "torch 2.12.1 -> 2.13.0, optax none -> 0.2.8"."""
    names = [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]
    return ", ".join(f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}" for name in names)


def in_short(lines: list[str], most: int = 4) -> str:
    """The first of them in one line, and how many more there are."""
    more = f"; and {len(lines) - most} more" if len(lines) > most else ""
    return "; ".join(lines[:most]) + more


def _differing(path: str, a: Any, b: Any) -> Iterator[str]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in dict.fromkeys([*a, *b]):
            inner = f"{path}.{name}" if path else str(name)
            yield from _differing(inner, a.get(name, _MISSING), b.get(name, _MISSING))
    elif isinstance(a, list) and isinstance(b, list):
        for index, (one, other) in enumerate(zip_longest(a, b, fillvalue=_MISSING)):
            yield from _differing(f"{path}.{index}", one, other)
    elif a != b:
        yield f"{path}: {_text(a)} and {_text(b)}"


def _text(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    if isinstance(value, Mapping) and "kind" in value:
        return str(value["kind"])  # of a layer
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else text[:12] + "..."
