"""Rates, ratios, steps, order and sentences follow from one definition, whatever was recorded."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from compare.report.table import result_table
from compare.report.verdict import in_short, sentences
from compare.report.words import verdicts
from conftest import STORED
from fake_records import A, B, C, header, whole, window
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.findings.summary import Summary, summarise
from compare.records.merging import merged
from compare.records.record_types import AnyRecord, KeptRound, Resumed
from compare.records.run_folder import RunFolder
from compare.records.values import CellName

D = CellName(backend="d", mode="m")
STARTED = datetime.now(UTC)
CELLS = (A, B, C, D)
Draw = Any


@st.composite
def rounds(draw: Draw, cells: tuple[CellName, ...], number: int) -> list[AnyRecord]:
    """A round of some cells on a machine that wanders, with stalls, and windows that are missing
    because a cell was skipped or cut off."""
    windows = draw(st.integers(1, 14))
    machine = draw(st.lists(st.floats(0.5, 2.0), min_size=windows, max_size=windows))
    found: list[AnyRecord] = []
    for cell in cells:
        pace = draw(st.floats(0.2, 5.0))
        played = []
        for index, slow in enumerate(machine):
            if draw(st.integers(0, 9)) == 0:
                continue
            stall = 8.0 if draw(st.integers(0, 11)) == 0 else 1.0
            seconds = pace * slow * stall * draw(st.floats(0.97, 1.03))
            busy = {"others_cpu_seconds": draw(st.sampled_from([0.0, 0.0, 0.0, 0.9])) * seconds}
            tokens = 100 + 10 * (index % 3)  # the same for all at one place
            played.append(window(cell, "steady", index, tokens, seconds, round=number, **busy))
        found += whole(cell, played, number)
    return found


@st.composite
def runs(draw: Draw) -> list[AnyRecord]:
    """One round or several, taken up again or not, of one run or of two that were merged."""
    several = []
    for name in range(draw(st.integers(1, 2))):
        cells = CELLS[: draw(st.integers(2, 4))]
        records: list[AnyRecord] = [header(*cells).model_copy(update={"run_id": f"run-{name}"})]
        count = draw(st.sampled_from([1, 1, 2, 6]))
        for number in range(1, count + 1):
            records += draw(rounds(cells, number))
        if draw(st.booleans()):  # of the last round, a part of the cells is played again
            again = cells[1:]
            kept = [KeptRound(cell=c, round=n) for c in cells for n in range(1, count + 1)]
            kept = [one for one in kept if one.round < count or one.cell not in again]
            records.append(
                Resumed(
                    started=datetime.now(UTC), command=[], machine={}, environment={}, kept=kept
                )
            )
            records += draw(rounds(again, count + 1))
        several.append(records)
    return several[0] if len(several) == 1 else merged(several)


def rates(summary: Summary) -> dict[str, float]:
    return {c.label: c.tokens_per_second.value for c in summary.cells if c.tokens_per_second}


@settings(max_examples=150, deadline=None)
@given(runs())
def test_no_figure_and_no_sentence_contradicts_another(records: list[AnyRecord]) -> None:
    summary = summarise(records)
    rate = rates(summary)
    for one in summary.comparisons:
        assert one.ratio.value == pytest.approx(rate[one.first] / rate[one.second])
        assert one.ratio.value >= 1
    ratios = {c.label: c.ratio_to_fastest for c in summary.cells if c.ratio_to_fastest}
    fastest = [label for label, ratio in ratios.items() if ratio.value == 1.0]
    for label, ratio in ratios.items():
        assert ratio.value <= 1.0
        assert ratio.value == pytest.approx(rate[label] / rate[fastest[0]])
    steps = {c.label: c.step_seconds for c in summary.cells if c.step_seconds}
    products = [steps[label] * rate[label] for label in steps]
    assert products == pytest.approx([products[0]] * len(products) if products else [])
    ranking = r"(\S+) is [\d.]+ .*times as fast as (\S+)"
    for found in filter(None, (re.match(ranking, line) for line in verdicts(summary))):
        assert rate[found[1]] > rate[found[2]]
    if named := re.match(r"(\S+) (?:is fastest|has the highest rate)", sentences(summary)[0]):
        assert named[1] in fastest
        labels = [cell.label for cell in summary.cells]
        short = dict(zip(labels, in_short(summary, summary.cells), strict=True))
        slower = [label for label, text in short.items() if text.endswith(" slower")]
        assert all(rate[label] < rate[named[1]] for label in slower)
    if any(one.verdict != "not judged" for one in summary.comparisons):
        order = [row[0] for row in result_table(summary).rows if row[0] in ratios]
        assert [rate[label] for label in order] == sorted(rate[label] for label in ratios)[::-1]


def test_the_words_of_the_committed_run_that_contradicted_its_figures() -> None:
    """A window of 13.7 s ranked a pair one way in the rates and the other way in the words."""

    folder = RunFolder(STORED / "lm-gpt-shakespeare")
    summary = summarise(folder.records())
    rate = rates(summary)
    for one in summary.comparisons:
        assert one.ratio.value == pytest.approx(rate[one.first] / rate[one.second])
    assert any("one window of 13.7 s" in str(note) for note in summary.notes)
