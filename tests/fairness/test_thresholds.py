"""Thresholds after training: fitted on one half, judged on the other, and nothing drawn."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Compare, command, environment, needs
from fake_records import A

from compare.errors import UserError
from compare.fairness.groups import Judged
from compare.fairness.thresholds import CONSTRAINTS, half_of, judged_of, thresholded
from compare.records.groups import Groups

pytestmark = needs("fairlearn")


def biased(seed: int, size: int = 400) -> Judged:
    """A model that takes 0.25 from the probability of every woman."""
    random = np.random.default_rng(seed)
    groups = np.repeat(["men", "women"], size)
    true = random.random(2 * size)
    odds = np.clip(true - 0.25 * (groups == "women"), 0, 1)
    labels = (random.random(2 * size) < true).astype(int)
    return Judged.of(labels, np.stack([1 - odds, odds], axis=-1), 1, groups)


def gap(groups: Groups, rate: str = "selection") -> float:
    return next(one.gap.value for one in groups.gaps if one.rate == rate)


def test_thresholds_take_the_difference_away_where_they_were_fitted() -> None:
    found = thresholded(A, biased(1), "demographic_parity", "positive")
    assert gap(found.before) < -0.1
    assert gap(found.fitted) == pytest.approx(0, abs=0.01)
    inner = next(one.gap for one in found.after.gaps if one.rate == "selection")
    assert inner.low is not None
    assert inner.high is not None
    assert inner.low <= 0 <= inner.high


def test_what_is_judged_was_not_fitted_on() -> None:
    """Planted: on one half alone the difference would be none at all in every draw."""
    fitted = half_of(801)
    assert fitted.sum() == 400
    gaps = [thresholded(A, biased(s, 100), "demographic_parity", "") for s in range(20)]
    assert max(abs(gap(one.fitted)) for one in gaps) < 0.03
    assert np.std([gap(one.after) for one in gaps]) > 0.05
    assert all(one.fitted_on + one.judged_on == 200 for one in gaps)


@pytest.mark.parametrize(
    ("constraint", "rates"),
    [("true_positive_rate_parity", ("tpr",)), ("equalized_odds", ("tpr", "fpr"))],
)
def test_other_constraints_are_of_other_rates(constraint: str, rates: tuple[str, ...]) -> None:
    found = thresholded(A, biased(2), constraint, "positive")
    assert all(gap(found.fitted, rate) == pytest.approx(0, abs=0.02) for rate in rates)
    assert set(CONSTRAINTS) >= {constraint}


def test_nothing_is_drawn_and_the_same_outputs_have_the_same_figures() -> None:
    first, second = (thresholded(A, biased(3), "equalized_odds", "") for _ in range(2))
    assert first == second


def test_expected_decisions_are_those_that_fairlearn_draws_on_average() -> None:
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Known(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, given: Any, labels: Any) -> "Known":
            return self

        def predict_proba(self, given: Any) -> Any:
            return np.concatenate([1 - given, given], axis=-1)

        def __sklearn_is_fitted__(self) -> bool:
            return True

    judged = biased(4)
    fitted = half_of(len(judged.labels))
    rule = ThresholdOptimizer(
        estimator=Known(), constraints="equalized_odds", prefit=True, predict_method="predict_proba"
    )
    rule.fit(
        judged.odds[fitted, None], judged.labels[fitted].astype(int),
        sensitive_features=judged.groups[fitted],
    )  # fmt: skip
    drawn = np.mean(
        [
            rule.predict(
                judged.odds[~fitted, None],
                sensitive_features=judged.groups[~fitted],
                random_state=seed,
            )
            for seed in range(200)
        ],
        axis=0,
    )
    women = judged.groups[~fitted] == "women"
    found = thresholded(A, judged, "equalized_odds", "")
    ours = gap(found.after)
    assert drawn[women].mean() - drawn[~women].mean() == pytest.approx(ours, abs=0.01)


def test_small_groups_and_other_outputs_are_refused() -> None:
    with pytest.raises(UserError, match="in one of the halves"):
        thresholded(A, biased(1, 20), "demographic_parity", "")
    rows = [{"wanted": 1, "output": [0.2, 0.8], "group": "a"}]
    with pytest.raises(UserError, match="there is one group alone, 'a'"):
        thresholded(A, judged_of(rows * 200, 1), "demographic_parity", "")
    with pytest.raises(UserError, match="of no group"):
        judged_of([{"wanted": 1, "output": [0.2, 0.8]}], 1)
    with pytest.raises(UserError, match="two classes"):
        judged_of([{"wanted": 1, "output": [0.2, 0.3, 0.5], "group": "a"}], 1)
    with pytest.raises(UserError, match="diverged"):
        judged_of([{"wanted": 1, "output": [float("nan"), 0.3], "group": "a"}], 1)


RUN = (
    "--task", "sentiment", "--preset", "tiny", "--backend", "reference", "--steps", "10",
    "--set", "task.judge=all", "--set", "task.bias=4", "--quiet",
)  # fmt: skip


@pytest.mark.slow
def test_of_a_run_the_command_tells_before_and_after(compare: Compare, tmp_path: Path) -> None:
    """One run, asked in every way and wrongly."""
    assert compare(*RUN).returncode == 0
    (run,) = map(str, (tmp_path / "results").iterdir())
    finished = compare("fair", run)
    assert finished.returncode == 0
    assert "fitted on 1,000 validation texts, judged on the 1,000 others" in finished.stdout
    assert "may be unlawful" in finished.stdout
    (found,) = json.loads(compare("fair", run, "--json", "--backend", "reference").stdout)
    assert abs(found["fitted"]["gaps"][0]["gap"]["value"]) <= 0.01
    for wrong, told in (
        (["--constraint", "parity"], "unknown constraint 'parity'"),
        (["--backend", "torch"], "unknown backend 'torch'"),
    ):
        assert _refused(compare("fair", run, *wrong), told)
    (outputs,) = Path(run, "outputs").iterdir()
    lines = outputs.read_text().splitlines()
    outputs.write_text(f"{lines[0]}\n{lines[1][:20]}\n")
    assert _refused(compare("fair", run), "a line of it is not whole")
    outputs.write_text("\n".join(lines[:40]) + "\n")
    assert _refused(compare("fair", run), "task.judge=all takes all there are")
    outputs.unlink()
    assert _refused(compare("fair", run), "is missing, which has its outputs")
    assert _refused(compare("fair", str(tmp_path)), "is no run folder")
    outputs.write_text("\n".join(lines) + "\n")
    missing = tmp_path / "without" / "fairlearn"  # as if it were not installed
    missing.mkdir(parents=True)
    (missing / "__init__.py").write_text("raise ImportError(name='fairlearn')\n")
    finished = subprocess.run(
        command("fair", run), cwd=tmp_path, capture_output=True, text=True,
        env=environment() | {"PYTHONPATH": os.fspath(missing.parent)},
    )  # fmt: skip
    assert _refused(finished, "pip install 'framework-compare[fairness]'")


@pytest.mark.slow
def test_thresholds_of_a_sweep_are_kept_and_stand_in_its_report(
    compare: Compare, tmp_path: Path
) -> None:
    finished = compare(*RUN, "--sweep", "task.mitigation=reweigh:0,reweigh:1")
    assert finished.returncode == 0, finished.stderr
    (swept,) = (tmp_path / "results").iterdir()
    before = compare("report", str(swept)).stdout
    assert "thresholds for" not in before
    told = compare("fair", str(swept))
    assert told.returncode == 0, told.stderr
    assert "mitigation=reweigh-1, reference:numpy, thresholds " in told.stdout
    assert "Kept at each point" in told.stdout
    again = json.loads(compare("fair", str(swept), "--json").stdout)
    assert set(again) == {"mitigation=reweigh-0", "mitigation=reweigh-1"}
    (kept,) = (swept / "mitigation=reweigh-0" / "thresholds.jsonl").read_text().splitlines()
    assert json.loads(kept) == again["mitigation=reweigh-0"][0]
    after = compare("report", str(swept)).stdout
    assert after.count("with thresholds for demographic parity: selection differs by") == 2
    assert compare("fair", str(swept), "--constraint", "equalized_odds").returncode == 0
    assert "with thresholds for equalized odds" in compare("report", str(swept)).stdout
    assert _refused(
        compare("fair", str(swept), "--pairs", "pairs.tsv"), "is a sweep: give one of its points"
    )


def _refused(finished: "subprocess.CompletedProcess[str]", told: str) -> bool:
    assert told in finished.stderr
    assert finished.stderr.count("\n") == 1
    return finished.returncode == 2
