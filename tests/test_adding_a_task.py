"""`docs/adding-a-task.md` is the example in `examples/reversal`, and the example works."""

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT, environment
from test_adding_a_backend import install, run

EXAMPLE = ROOT / "examples" / "reversal"
PAGE = (ROOT / "docs" / "adding-a-task.md").read_text("utf-8")
BLOCKS = re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the page has it, its snippets put together."""
    folder = tmp_path_factory.mktemp("page")
    for name, text in BLOCKS:
        with (folder / name).open("a") as file:
            file.write(text)
    return folder


def test_the_page_shows_every_file_of_the_example(page: Path) -> None:
    for path in EXAMPLE.iterdir():
        if path.suffix in (".py", ".toml"):
            assert (page / path.name).read_text("utf-8") == path.read_text("utf-8")


@pytest.mark.slow
def test_a_fifth_task_from_outside_is_one_file_and_an_entry_point(
    page: Path, tmp_path: Path
) -> None:
    env = install(page, tmp_path / "packages")
    arguments = ["--task", "reversal", "--preset", "tiny", "--backend", "reference", "--json"]
    finished = run([*arguments, "--target", "exact=0.0"], env, tmp_path)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    (row,) = found["cells"]
    assert set(row["quality"]) == {"exact"}
    assert row["seconds_to_target"] > 0
    assert found["ceilings"] == {"exact": 1.0}
    listed = run(["list"], env, tmp_path).stdout
    assert "reversal: presets small, tiny" in listed


@pytest.mark.slow
def test_the_file_alone_will_do_and_names_no_folder(page: Path, tmp_path: Path) -> None:
    file = str(page / "compare_reversal.py")
    arguments = ["--task", file, "--preset", "tiny", "--backend", "reference", "--steps", "4"]
    finished = run(arguments, environment(), tmp_path)
    assert finished.returncode == 0, finished.stderr
    (folder,) = (tmp_path / "results").iterdir()
    assert "-reversal-tiny-" in folder.name
