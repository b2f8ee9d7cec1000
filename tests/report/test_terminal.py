"""Tables on terminals of five widths: no figure is cut, and what is read is what is meant.

`tests/report/golden/` has screens that were looked at. A form that is meant to be another is
written there by `GOLDEN=write pytest -n 0 tests/report/test_terminal.py`, and looked at again.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from compare.report.table import chosen, offered, ordered_rows, table_of
from conftest import STORED, command
from screens import WIDTHS, on_a_screen, on_screens, summaries

from compare.archive.scaling import SweepSummary
from compare.errors import UserError
from compare.findings.summary import Summary
from compare.reporting.showing import View, required_of_run

GOLDEN = Path(__file__).parent / "golden"
SCREENS = [
    *(f"lm-small-{width}" for width in WIDTHS),
    *(f"{name}-60" for name in ("sentiment-reviews", "failures")),
    *(f"{name}-78" for name in (
        "lm-long", "sentiment-reviews", "sentiment-reviews wide", "translation-captions",
        "translation-captions verbose", "lm-small baseline", "lm-small columns", "failures",
        "tie", "two", "many-times", "not-judged", "too-short", "interrupted", "nothing-timed",
        "control", "long-names", "sweep",
    )),
]  # fmt: skip
Screens = Mapping[int, Mapping[str, str]]


@pytest.fixture(scope="module")
def runs() -> dict[str, Summary | SweepSummary]:
    return summaries()


@pytest.fixture(scope="module")
def screens(
    runs: dict[str, Summary | SweepSummary], tmp_path_factory: pytest.TempPathFactory
) -> Screens:
    """By width, and by name and view."""
    folder = tmp_path_factory.mktemp("summaries")
    return {width: on_screens(folder, runs, width) for width in WIDTHS}


def figures(shown: str, labels: list[str]) -> dict[str, list[str]]:
    """What a screen has of each row, behind its label in tables or below it in a block."""
    found: dict[str, list[str]] = {label: [] for label in labels}
    block = ""
    for line in shown.splitlines():
        parts = re.split(r"\s{2,}", re.sub(r"\s+±", " ±", line.strip()))
        if line.startswith("    ") and block:
            found[block].append(parts[-1])
        elif line.startswith("  ") and parts[0] in labels:
            found[parts[0]] += parts[1:]
            block = parts[0] if not parts[1:] else ""
        else:
            block = ""
    return found


def figures_in(shown: str) -> Counter[str]:
    return Counter(re.findall(r"\d[\d.,]*\d|\d", shown))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("view", ["", "wide"])
def test_no_figure_is_cut_at_any_width(
    runs: dict[str, Summary | SweepSummary], screens: Screens, width: int, view: str
) -> None:
    for name, summary in runs.items():
        shown = screens[width][f"{name} {view}".strip()]
        assert "…" not in shown
        if isinstance(summary, SweepSummary):
            whole = figures_in(screens[200][f"{name} {view}".strip()])
            assert not whole - figures_in(shown), (name, shown)
            continue
        rows = [row for row in ordered_rows(summary) if row.cell.status == "ok"]
        columns = offered([summary])
        whole = table_of(columns, ordered_rows(summary), left=1, short=not view).rows
        written = figures(shown, [row.cell.label for row in rows])
        for row, texts in zip(rows, whole, strict=False):  # what did not go well comes last
            own = [re.sub(r"\s+±", " ±", text.strip()) for text in texts[1:]]
            on_screen = written[row.cell.label]
            assert on_screen, (name, row.cell.label)
            assert set(on_screen) <= set(own), (name, shown)
            rate = own[[column.title for column in columns[1:]].index("tokens/s")]
            assert rate in on_screen
            if view == "wide":
                assert sorted(set(on_screen)) == sorted(set(own)), (name, shown)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_screen(screens: Screens, width: int) -> None:
    for name, shown in screens[width].items():
        for line in shown.splitlines():
            longest = max(map(len, line.split()), default=0)
            assert len(line) <= width or longest > width // 2, (name, line)  # a long path, whole


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_as_it_was_looked_at(screens: Screens, name: str) -> None:
    titled, _, width = name.rpartition("-")
    before, _, view = titled.partition(" ")
    shown = screens[int(width)][f"{before} {view}".strip()]
    path = GOLDEN / f"{titled.replace(' ', '-')}-{width}.txt"
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(shown)
    assert shown == path.read_text()


def test_the_path_and_the_command_come_last(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(STORED / "lm-small", run)
    shown = on_a_screen(command("report", "run", "--out", "shown"), 78, tmp_path).splitlines()
    assert shown[-2:] == [
        "Report: shown/report.html",
        "again: compare --task lm --precision 2% --budget 10m",
    ]
    wide = on_a_screen(command("report", "run", "--out", "shown"), 120, tmp_path).splitlines()
    assert wide[-1] == "     ".join(shown[-2:])


def test_a_baseline_may_be_named_by_its_backend_where_that_is_clear() -> None:
    labels = ["torch:eager", "torch:compile", "jax:jit"]
    assert required_of_run(View(baseline="jax"), labels, [], "").baseline == "jax:jit"
    with pytest.raises(UserError, match="is more than one row: torch:eager, torch:compile"):
        required_of_run(View(baseline="torch"), labels, [], "")


def test_columns_are_named_as_a_reader_would_type_them() -> None:
    titles = [
        column.title for column in chosen(["PEAK-MEM", "valid loss", "to loss=5"], [], "loss=5")
    ]
    assert titles == ["backend", "peak mem", "valid. loss", "to loss=5"]
