"""Every field that a user can set, in words: what it means, what it takes, what it is.

The words are made of the settings' own types and limits, so that errors, `compare list`, the
shell's completion and the documentation say the same of each field, and none of them a schema.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from compare.contracts.task import Task
from compare.errors import UserError, did_you_mean
from compare.spec.parameters import Takes
from compare.spec.settings import Section, Settings

_LONGEST = 60  # letters of a value that an error shows


@dataclass(frozen=True)
class Described:
    """One field of some settings, and its `value` there; `choices` where it takes one of several
    words."""

    section: str
    name: str
    meaning: str
    takes: str
    choices: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        """As `--set` names it."""
        return f"{self.section}.{self.name}"


def describe_fields(settings: Settings) -> list[Described]:
    """Every field of these settings, in the order of its section."""
    return [
        Described(
            section=section,
            name=name,
            meaning=info.description or "",
            takes=takes(info),
            choices=choices(info),
            value=getattr(fields, name),
        )
        for section, fields in settings
        for name, info in type(fields).model_fields.items()
    ]


def field_of(task: Task, section: str, name: str) -> FieldInfo:
    """A field of a task's settings, with its type and limits."""
    fields: Section = getattr(task.settings(), section)
    return type(fields).model_fields[name]


def takes(info: FieldInfo) -> str:
    """What a field takes: "a whole number of 1 or more, or none"."""
    kind, notes = _kind(info)
    return _words(kind, notes) + (", or none" if is_optional(info) and kind is not str else "")


def choices(info: FieldInfo) -> tuple[str, ...]:
    """The words of which a field takes one; empty where it takes others too."""
    kind, _ = _kind(info)
    if kind is bool:
        return ("true", "false")
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def is_optional(info: FieldInfo) -> bool:
    """Whether a field can be without a value."""
    return NoneType in get_args(info.annotation)


def is_text(info: FieldInfo) -> bool:
    """Whether a field takes any text, such as the name of a column."""
    return _kind(info)[0] is str


def not_right(key: str, info: FieldInfo, given: Any) -> UserError:
    """The error for a value that a field does not take: what is right, and the nearest of it."""
    right = takes(info)
    if isinstance(given, float) and not math.isfinite(given):
        right = right.replace("a number", "a finite number")
    near = did_you_mean(given, choices(info)) if isinstance(given, str) else ""
    return UserError(f"{key} takes {right}, not {shown(given)}" + (f": {near}" if near else ""))


def shown(value: Any) -> str:
    """A value as a user would write it, cut off where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**_LONGEST:
        return "a number as large as that"  # Python writes none of more than 4,300 digits
    text = value.isoformat() if isinstance(value, date | time) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def written(value: Any) -> str:
    """A value of a field as `--set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def listed(words: Iterable[str], last: str = "or") -> str:
    """ "elman, lstm or gru" """
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end


def _kind(info: FieldInfo) -> tuple[Any, list[Any]]:
    """The type of a field that has a value, and what is noted beside it: limits, words."""
    inner = [arg for arg in get_args(info.annotation) if arg is not NoneType]
    kind = inner[0] if is_optional(info) and len(inner) == 1 else info.annotation
    notes = list(info.metadata)
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        notes += more
    return kind, notes


def _words(kind: Any, notes: list[Any]) -> str:
    for note in notes:
        if isinstance(note, Takes):
            return note.words
    if get_origin(kind) is Literal:
        return listed(map(str, get_args(kind)))
    if kind in (int, float):
        limits = {
            name: getattr(note, name)
            for note in notes
            for name in ("gt", "ge", "lt", "le")
            if hasattr(note, name)
        }
        return _whole(limits) if kind is int else _number(limits)
    return {bool: "true or false", str: "text"}.get(kind, "a list or a table")


def _whole(limits: Mapping[str, Any]) -> str:
    least = limits.get("ge", limits["gt"] + 1 if "gt" in limits else None)
    most = limits.get("le", limits["lt"] - 1 if "lt" in limits else None)
    if least is not None and most is not None:
        return f"a whole number from {least} to {most}"
    if least is not None:
        return f"a whole number of {least} or more"
    return "a whole number" if most is None else f"a whole number of at most {most}"


def _number(limits: Mapping[str, Any]) -> str:
    words = {"gt": "above {}", "ge": "of {} or more", "lt": "below {}", "le": "of at most {}"}
    parts = [form.format(limits[name]) for name, form in words.items() if name in limits]
    return " ".join(["a number", " and ".join(parts)]).strip()
