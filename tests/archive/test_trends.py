"""What is news of each series of a history: on a terminal, in JSON and on the page."""

from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Compare, document
from fake_records import START, A, B, C, played
from terminals import screen

from compare.archive.history import read_history
from compare.archive.trends import Trend, nothing_changed_since, trends_of
from compare.commands.history import sparkline
from compare.records.record_types import Ended


def trends(folder: Path) -> dict[str, Trend]:
    return {trend.backend: trend for trend in trends_of(read_history(folder).rows)}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """`a` became slower with an upgrade, `b` stayed as it was, `c` became faster."""
    for day, version, seconds in ((1, "1.0", 1.0), (2, "1.0", 1.01), (3, "2.0", 1.3)):
        played(tmp_path / f"a{day}", day, version, seconds)
    for day, seconds in ((1, 1.5), (2, 1.0), (3, 1.01), (4, 1.005)):
        played(tmp_path / f"b{day}", day, "1.0", seconds, cell=B)
    for day, seconds in ((1, 1.0), (2, 0.8)):
        played(tmp_path / f"c{day}", day, "1.0", seconds, cell=C)
    return tmp_path


def test_each_series_is_held_against_its_run_before(results: Path) -> None:
    found = trends(results)
    assert list(found) == ["a", "c", "b"]  # regressions first
    a, b, c = (found[name] for name in "abc")
    assert (a.verdict, b.verdict, c.verdict) == ("slower", "unchanged", "faster")
    assert a.change is not None
    assert a.change.value == pytest.approx(1.01 / 1.3)
    assert a.rates == pytest.approx([100, 100 / 1.01, 100 / 1.3], rel=1e-3)
    assert (a.upgrade, a.upgraded) == ("fast 1.0 -> 2.0", START + timedelta(days=3))
    assert a.change_by_upgrade == a.change
    assert b.unchanged_since == START + timedelta(days=2)  # on the first day it was slower
    assert a.unchanged_since is None


def test_nothing_changed_since_the_day_from_which_on_no_series_did(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        played(tmp_path / f"a{day}", day, "1.0", 1.0)
    for day in (2, 3):
        played(tmp_path / f"b{day}", day, "1.0", 1.0, cell=B)
    found = trends_of(read_history(tmp_path).rows)
    assert nothing_changed_since(found) == START + timedelta(days=2)
    played(tmp_path / "b4", 4, "1.0", 1.5, cell=B)
    assert nothing_changed_since(trends_of(read_history(tmp_path).rows)) is None


def test_one_run_is_no_news(tmp_path: Path) -> None:
    played(tmp_path / "a", 1, "1.0", 1.0)
    found = trends(tmp_path)["a"]
    assert (found.verdict, found.change) == ("first", None)
    assert nothing_changed_since([found]) is None


def test_rates_that_cannot_be_relied_on_are_not_judged(tmp_path: Path) -> None:
    for day, seconds in ((1, 0.01), (2, 0.02)):  # windows far too short
        played(tmp_path / f"a{day}", day, "1.0", seconds)
    assert trends(tmp_path)["a"].verdict == "not judged"


def test_a_failure_after_success_is_a_regression(tmp_path: Path) -> None:
    played(tmp_path / "a1", 1, "1.0", 1.0)
    again = played(tmp_path / "a2", 2, "1.0", 1.0)
    again.append(Ended(cell=A, round=2, status="failed", reason="no memory"))
    found = trends(tmp_path)["a"]
    assert (found.verdict, found.is_regression) == ("failed", True)


def test_a_sparkline_has_a_bar_for_each_run_and_keeps_noise_flat() -> None:
    assert sparkline([50.0, None, 100.0]) == "▁·█"
    assert set(sparkline([100.0, 99.9, 99.95])) == {"█"}
    assert sparkline([None]) == "–"


@pytest.mark.parametrize("width", [60, 78, 120])
def test_the_terminal_shows_a_line_for_each_series(results: Path, width: int) -> None:
    shown = screen(results, width, "history", ".")
    for text in ("22.3% slower ±", "within noise ±", "25.0% faster ±", "77 ±4.2%", "█"):
        assert text in shown
    assert "…" not in shown
    assert "upgraded 2026-01-04, fast 1.0 -> 2.0: a:m" in " ".join(shown.split())
    assert shown.index("a:m") < shown.index("c:m") < shown.index("b:m")
    assert shown.rstrip().endswith("1 slower than before, 1 faster than before, 1 within noise")


def test_that_nothing_changed_is_said(compare: Compare, tmp_path: Path) -> None:
    for day in (1, 2):
        played(tmp_path / "results" / f"a{day}", day, "1.0", 1.0)
    finished = compare("history")
    assert "nothing changed beyond noise since 2026-01-0" in finished.stdout.splitlines()[-1]
    found = document(compare("history", "--json"))
    assert [trend["verdict"] for trend in found["trends"]] == ["unchanged"]
    assert len(found["rows"]) == 2
    page = compare("history", "--format", "html").stdout
    assert "Nothing changed beyond noise since 2026-01-02" in page
    assert page.count("<polyline") == 1
