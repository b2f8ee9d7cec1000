"""Figures as text."""

import pytest
from compare.report.forms import fixed, with_ends
from compare.report.markdown import MarkdownReport
from compare.report.table import result_table
from fake_records import MACHINE, A, header, steady, whole

from compare.findings.summary import summarise
from compare.records.values import Estimate


def test_an_interval_beside_a_sign_has_a_word_and_no_dash() -> None:
    found = [
        Estimate(value=-0.091, low=-0.136, high=-0.048),
        Estimate(value=2, low=1, high=3),
        None,
    ]
    assert with_ends(found, fixed("{:.3f}")) == [
        "-0.091 (-0.136 to -0.048)", "2.000 (1.000–3.000)", "–",
    ]  # fmt: skip


@pytest.mark.parametrize(("seconds", "mark"), [(1.0, ""), (0.001, " ?")])
def test_what_ranks_are_worth_is_marked_where_windows_are_too_short(
    seconds: float, mark: str
) -> None:
    both = A.model_copy(update={"ranks": 2})
    records = [
        record
        for cell, pace in ((A, 1.0), (both, 0.75))
        for number in range(1, 6)
        for record in whole(
            cell,
            [
                one.model_copy(update={"round": number})
                for one in steady(cell, [pace * seconds, pace * seconds * 1.01])
            ],
            number,
        )
    ]
    table = result_table(summarise([header(A, both), *records]))
    (row,) = (row for row in table.rows if row[0] == "a:m x2")
    assert row[table.columns.index("efficiency")].endswith(f"){mark}")


def test_a_command_to_repeat_has_no_folders_of_its_author() -> None:
    typed = ["compare", "--task", "lm", "--data", "/home/me/book.txt", "--out", "/tmp/mine"]
    summary = summarise(
        [header(A).model_copy(update={"command": typed, "machine": MACHINE}), *whole(A, [])]
    )
    text = MarkdownReport().render(summary)
    assert "\n    compare --task lm --data book.txt\n" in text
    assert "/tmp" not in text
