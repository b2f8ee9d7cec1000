"""What docs/fairness.md says of the runs in results/reference is so."""

import pytest
from conftest import ROOT

from compare.findings.summary import summarise
from compare.records.run_folder import RunFolder


@pytest.mark.parametrize("rate", ["selection", "tpr"])
def test_four_frameworks_are_within_three_hundredths_of_the_best_learner(
    rate: str,
) -> None:
    summary = summarise(RunFolder(ROOT / "results/reference/sentiment-bias").records())
    assert len(summary.cells) == 4
    page = (ROOT / "docs/fairness.md").read_text("utf-8")
    best = summary.best_learner[rate]
    assert f"{best:.3f}" in page
    for cell in summary.cells:
        assert cell.groups is not None
        assert cell.groups.twins is not None
        found = getattr(cell.groups.twins, rate)
        assert found.value == pytest.approx(best, abs=0.03)
        assert f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" in page


@pytest.mark.parametrize(
    ("point", "name"),
    [("reweigh-0", "none"), ("reweigh-1", "`reweigh:1`"), ("parity-0.1", "`parity:0.1`")],
)
def test_what_a_mitigation_took_is_told_of_every_framework(point: str, name: str) -> None:
    folder = ROOT / "results/reference/mitigation" / f"mitigation={point}"
    summary = summarise(RunFolder(folder).records())
    assert len(summary.cells) == 4
    page = (ROOT / "docs/fairness.md").read_text("utf-8")
    for cell in summary.cells:
        assert cell.groups is not None
        assert cell.groups.twins is not None
        took = cell.groups.twins.selection
        told = f"{took.value:.3f} ({took.low:.3f} to {took.high:.3f})"
        best, accuracy = summary.best_learner["selection"], cell.groups.accuracy.value
        assert f"| {name} | {told} | {best:.3f} | {accuracy:.3f} |" in page
