"""The sentences on who is faster than whom: one for each row, and no tie named twice."""

import pytest
from compare.report.verdict import in_short, sentences
from fake_records import A, B, C
from screens import raced

from compare.findings.summary import Summary
from compare.records.values import CellName

D, E = (CellName(backend=name, mode="m") for name in "de")


@pytest.fixture(scope="module")
def race() -> Summary:
    """Of one that leads, two that are alike, and two that are far behind."""
    return raced({A: 1.0, B: 1.3, C: 1.315, D: 1.9, E: 9.0})


def test_each_row_is_held_against_the_fastest_and_ties_are_named_once(race: Summary) -> None:
    main, ties = sentences(race)
    assert main.startswith("a:m is fastest: 1.2")
    assert [main.count(f"as fast as {name}:m") for name in "bcde"] == [1, 1, 1, 1]
    assert main.endswith(" times as fast as e:m.")  # not every pair is separated
    assert ties == "Not separated from each other: b:m and c:m."


def test_of_many_the_nearest_are_named_and_the_others_counted(race: Summary) -> None:
    main, _ = sentences(race, most=2)
    assert "times as fast as b:m, " in main
    assert main.endswith("times as fast as c:m and 2 more.")


def test_a_baseline_has_a_sentence_for_each_other_row(race: Summary) -> None:
    (main,) = sentences(race, "b:m")
    assert main.startswith("Against b:m, a:m is 1.2")
    assert main.endswith("; not separated from b:m: c:m.")
    assert main.count(" times as fast") == 3
    assert in_short(race, race.cells, "b:m")[:3] == ["1.30x faster", "baseline", "not separated"]


def test_the_amounts_of_a_column_have_one_form() -> None:
    near = raced({A: 1.0, B: 1.3, C: 1.1})
    assert [text.endswith("% slower") for text in in_short(near, near.cells)] == [False, True, True]
    far = raced({A: 1.0, B: 4.0, C: 1.1})
    assert [text.endswith("x slower") for text in in_short(far, far.cells)] == [False, True, True]


def test_what_did_not_get_through_cannot_be_compared_with(race: Summary) -> None:
    first = race.cells[0].model_copy(update={"status": "failed"})
    without = [one for one in race.comparisons if "a:m" not in (one.first, one.second)]
    broken = race.model_copy(update={"cells": [first, *race.cells[1:]], "comparisons": without})
    (said,) = sentences(broken, "a:m")
    assert said == "Nothing is compared with a:m: its status is failed."
    assert in_short(broken, broken.cells, "a:m") == ["failed", *["not compared"] * 4]


def test_reasons_that_differ_in_figures_alone_are_one(race: Summary) -> None:
    whys = ["others used 0.3 CPUs in 25 of 37 windows", "others used 0.31 CPUs in 2 of 37 windows"]
    judged = [
        one.model_copy(update={"verdict": "not judged", "why": whys[i % 2]})
        for i, one in enumerate(race.comparisons)
    ]
    (only,) = sentences(race.model_copy(update={"comparisons": judged}))
    assert only == f"Not judged: {whys[0]}."
    other = judged[0].model_copy(update={"why": "one pair is too few"})
    several = sentences(race.model_copy(update={"comparisons": [other, *judged[1:]]}))
    assert len(several) == 2
