"""What docs/fairness.md says of the run in results/reference is so."""

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
