"""Laying presets, `--config`, `--set` and options such as `--steps` over a task's defaults.

Every mistake is a one-line UserError that names the field and the nearest right name.
"""

import tomllib
from collections.abc import Container, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from compare.contracts.task import Task
from compare.errors import UserError, unknown
from compare.planning.fields import field_of, is_optional, is_text, not_right
from compare.spec.settings import Settings

Overrides = Mapping[str, Mapping[str, Any]]
"""section -> field -> value"""

_RENAMED = {"train.precision": "train.dtype"}
"""What a field was called, and is called now"""


def resolve(task: Task, preset: str, overrides: Sequence[Overrides]) -> Settings:
    """The task's settings under a preset, with each of `overrides` laid over the one before.

    Raises UserError, naming the field and the nearest right name, for anything unknown or
    out of range.
    """
    if preset not in task.presets:
        raise unknown("preset", preset, task.presets, where=f"task {task.name}")
    values: dict[str, dict[str, Any]] = task.settings().model_dump()
    for layer in [task.presets[preset], *overrides]:
        for section, fields in layer.items():
            if section not in values:
                raise unknown("section", section, values, where="the settings")
            if not isinstance(fields, Mapping):
                raise UserError(f"'{section}' is a section: set one of its fields, {section}.NAME")
            for name, value in fields.items():
                if name not in values[section]:
                    raise _unknown_field(section, name, values)
                values[section][name] = _as_typed(task, section, name, value)
    try:
        return task.settings.model_validate(values)
    except ValidationError as error:
        raise _first_problem(task, values, error) from None


def _as_typed(task: Task, section: str, name: str, value: Any) -> Any:
    """The value as its field takes it. In a field that is text, such as a column's name, a year or
    a date is text too; where a number can be left out, `none` does so; and `true` is no number,
    though Python has it for one."""
    info = field_of(task, section, name)
    if isinstance(value, bool):
        if info.annotation is not bool:
            raise not_right(f"{section}.{name}", info, value)
    elif is_text(info):
        return str(value) if isinstance(value, int | float | date | time) else value
    elif isinstance(value, str) and value.lower() == "none" and is_optional(info):
        return None
    return value


def _unknown_field(section: str, name: str, values: Mapping[str, Mapping[str, Any]]) -> UserError:
    now = _RENAMED.get(f"{section}.{name}")
    if now:
        return UserError(f"{section}.{name} is called {now} now")
    everywhere = [f"{group}.{field}" for group, fields in values.items() for field in fields]
    same_name = [full for full in everywhere if full.split(".")[1] == name]
    if same_name:
        return UserError(f"unknown field '{section}.{name}': did you mean {same_name[0]}?")
    return unknown("field", name, values[section], where=f"section {section}")


def _first_problem(
    task: Task, values: Mapping[str, Mapping[str, Any]], error: ValidationError
) -> UserError:
    problem = error.errors()[0]
    place = ".".join(map(str, problem["loc"]))
    if problem["type"] == "value_error":  # in a validator's own words
        return UserError(f"{place or 'settings'}: {problem['msg'].removeprefix('Value error, ')}")
    section, name = map(str, problem["loc"][:2])
    return not_right(f"{section}.{name}", field_of(task, section, name), values[section][name])


def text_fields(task: Task) -> frozenset[str]:
    """The fields that are text, such as "task.source": a column may be named `2024` or `1e3`."""
    sections = task.settings()
    return frozenset(
        f"{section}.{name}"
        for section, fields in sections
        for name, field in type(fields).model_fields.items()
        if is_text(field)
    )


def parse_assignments(
    assignments: list[str], texts: Container[str] = ()
) -> dict[str, dict[str, Any]]:
    """`section.field=value` texts as overrides; a value is read as TOML, else as a plain word, and
    of the fields that are `texts` it is what was typed, or what stands between quotation marks."""
    parsed: dict[str, dict[str, Any]] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        section, dot, name = key.strip().partition(".")
        if not equals or not dot or not section or not name:
            raise UserError(f"--set takes SECTION.FIELD=VALUE, not '{text}'")
        found = _toml_value(value.strip())
        as_typed = f"{section}.{name}" in texts and not isinstance(found, str)
        parsed.setdefault(section, {})[name] = value.strip() if as_typed else found
    return parsed


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:  # no TOML, or a number of thousands of digits
        return text


def read_config(path: Path) -> dict[str, Any]:
    """Overrides from a TOML file; raises UserError with the file and the parser's line."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"config file '{path}' does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config file '{path}' cannot be read: {error}") from None
    except ValueError as error:
        raise UserError(f"config file '{path}' is not TOML: {error}") from None
    for name in [name for name, value in found.items() if not isinstance(value, dict)]:
        if name in Settings.model_fields:
            raise UserError(f"'{name}' is a section: set one of its fields, {name}.NAME")
        raise UserError(
            f"config file '{path}': '{name}' stands in no section; put it below one, as in [train]"
        )
    return found
