"""How adapters are written on the command line."""

from pathlib import Path

import pytest

from compare.errors import UserError
from compare.planning.selection import choose_cells
from compare.planning.spelling import adapter_and_mode, interpreter_of_each


@pytest.mark.parametrize(
    ("text", "adapter", "mode"),
    [
        ("torch", "torch", ""),
        (" torch:compile ", "torch", "compile"),
        ("torch:all", "torch", "all"),
        ("some/mine.py", "some/mine.py", ""),
        ("some/mine.py:fast", "some/mine.py", "fast"),
        ("a:b/mine.py", "a:b/mine.py", ""),
        ("a:b/mine.py:fast", "a:b/mine.py", "fast"),
    ],
)
def test_a_name_or_a_path_and_a_mode(text: str, adapter: str, mode: str) -> None:
    assert adapter_and_mode(text) == (adapter, mode)


def test_a_bare_name_is_the_default_mode_and_all_each_of_them() -> None:
    assert [one.cell.label for one in choose_cells(["jax"], {})] == ["jax:jit"]
    every = [one.cell.label for one in choose_cells(["jax:all"], {})]
    assert every == ["jax:jit", "jax:rolled", "jax:multistep"]


def test_an_interpreter_is_for_a_name_or_a_path_however_it_is_written(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.touch()
    same = str(tmp_path / "." / ".." / tmp_path.name / "mine.py")
    for text in ("mine", str(mine), same):
        assert interpreter_of_each({text: "python"}, ["jax", str(mine)]) == {str(mine): "python"}
    with pytest.raises(UserError, match="unknown backend 'jxa' in --python: did you mean jax"):
        interpreter_of_each({"jxa": "python"}, ["jax", str(mine)])
