"""The pages that are made of the program are as it is."""

import importlib.util

import pytest
from conftest import ROOT

from compare.cli import app

pytestmark = pytest.mark.xdist_group("docs")  # what is shared is made once

spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
assert spec is not None
assert spec.loader is not None
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    made: dict[str, str] = generate.pages()
    return made


@pytest.mark.parametrize(
    "name", ["commands.md", "fields.md", "columns.md", "layers.md", "changelog.md"]
)
def test_a_page_is_as_the_program_makes_it(pages: dict[str, str], name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == pages[name]


def test_every_command_has_its_help_on_the_page(pages: dict[str, str]) -> None:
    names = [command.name for command in app.registered_commands]
    assert len(names) >= 11
    for name in names:
        assert f"## compare {name}\n" in pages["commands.md"]
