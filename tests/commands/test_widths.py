"""What other commands than `report` print on terminals of five widths: no word is cut.

The tables of runs and sweeps are in `tests/report/test_terminal.py`.
"""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, STORED, Compare, document
from terminals import screen

WIDTHS = (60, 78, 100, 120, 200)
COMMANDS = {
    "list of a task": ("list", "lm"),
    "list of layers": ("list", "layers"),
    "history": ("history", "results"),
    "start page": (),
}
_WORD = re.compile(r"\d[\d.,]*\d|\w+")
_TITLES = {  # of tables, which blocks have none of
    "field", "in", "small", "means", "backend", "over", "time", "runs", "layer", "parameter",
    "shape", "where",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with runs of four experiments, of which one was played twice."""
    where = tmp_path_factory.mktemp("widths")
    for name in ("lm-small", "lm-gpt-shakespeare", "translation-captions", "sentiment-reviews"):
        shutil.copytree(STORED / name, where / "results" / name)
    shutil.copytree(ROOT / "results" / "reference" / "bench", where / "results" / "bench")
    return where


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_word_is_cut_at_any_width(folder: Path, name: str, width: int) -> None:
    require_whole(folder, width, *COMMANDS[name])


@pytest.mark.slow
def test_what_there_is_fits(folder: Path) -> None:
    require_whole(folder, 60, "list")


def require_whole(folder: Path, width: int, *arguments: str) -> None:
    """Raise AssertionError where a terminal so wide has not every word and figure of a wide one."""
    whole, shown = (screen(folder, columns, *arguments) for columns in (400, width))
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    lost = Counter(_WORD.findall(whole)) - Counter(_WORD.findall(shown))
    assert set(lost) - _TITLES == set(), shown


@pytest.mark.slow
def test_the_doctor_s_table_and_sentences_fit(folder: Path, compare: Compare) -> None:
    backends = document(compare("list", "--json"))["backends"]
    labels = [f"{name}:{mode}" for name, told in backends.items() for mode in told["modes"]]
    assert "keras:tensorflow-multistep" in labels
    shown = screen(folder, 60, "doctor")
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 60
    assert set(labels) <= set(shown.split())
    assert shown.rstrip().endswith("--precision 2%")
