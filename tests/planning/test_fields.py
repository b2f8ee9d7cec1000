"""What is said of each field: in errors, in lists and by the shell's completion."""

import re
from typing import Any

import pytest

from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.fields import Described, describe_fields
from compare.planning.overrides import resolve
from compare.plugins import installed

TASKS = {name: load_task(name) for name in sorted(installed("task"))}
FIELDS = [
    pytest.param(name, field, id=f"{name}-{field.key}")
    for name, task in TASKS.items()
    for field in describe_fields(task.settings())
]
A_SCHEMA = re.compile(
    r"[\^\\$]|pattern|regex|Input|input should|validation error|pydantic|https?:|_type|str_|int_"
)


def wrong_for(field: Described) -> list[Any]:
    """Values that no field of this kind can take, of every kind that a user can write."""
    if field.takes == "text":
        return [[1, 2], {"a": 1}, True]
    wrong: list[Any] = [[1, 2], {"a": 1}, "soon", float("nan")]
    return wrong if "true" in field.choices else [*wrong, True, -1]


@pytest.mark.parametrize(("task", "field"), FIELDS)
def test_a_wrong_value_is_told_with_the_field_and_what_is_right(
    task: str, field: Described
) -> None:
    for value in wrong_for(field):
        with pytest.raises(UserError) as error:
            resolve(TASKS[task], "tiny", [{field.section: {field.name: value}}])
        told = str(error.value)
        plainly = told.replace("a finite number", "a number")
        assert plainly.startswith(f"{field.key} takes {field.takes}, not "), told
        assert not A_SCHEMA.search(told), told
        assert "\n" not in told


@pytest.mark.parametrize(("task", "field"), FIELDS)
def test_every_field_says_what_it_means(task: str, field: Described) -> None:
    assert len(field.meaning) > 5
    assert field.meaning not in (field.name, field.takes)


@pytest.mark.parametrize(("task", "field"), FIELDS)
def test_what_a_field_is_said_to_take_it_takes(task: str, field: Described) -> None:
    for word in field.choices:
        values = {field.section: {field.name: word}}
        try:
            settings = resolve(TASKS[task], "tiny", [values])
        except UserError as error:  # of how fields go together
            if f"{field.key} takes" in str(error):
                raise
            continue
        found = getattr(getattr(settings, field.section), field.name)
        assert str(found).lower() == word.lower()
