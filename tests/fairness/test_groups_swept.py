"""Groups over a sweep: the front of a mitigation, and seeds beside examples."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from compare.report.groups_swept import sentences
from compare.report.html import report as page
from compare.report.mitigations import front_table
from fake_records import MACHINE, A, B, header, steady, whole

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.findings.summary import Summary, summarise
from compare.records.groups import GroupGap, Groups
from compare.records.record_types import AnyRecord, Evaluated
from compare.records.thresholds import Thresholded
from compare.records.values import Estimate
from compare.swept.seeds import spreads_over_seeds


def groups(gap: float, fair: float, biased: float | None) -> Groups:
    def about(value: float) -> Estimate:
        return Estimate(value=value, low=value - 0.02, high=value + 0.02)

    gaps = [GroupGap(rate="selection", first="women", second="men", gap=about(gap))]
    by_bias = None if biased is None else about(biased)
    return Groups(
        positive="good", rates=[], gaps=gaps, accuracy=about(fair), biased_accuracy=by_bias
    )


def run(
    found: Sequence[tuple[float, float, float | None]],
    echo: float | None = None,
    best: Mapping[str, float] | None = None,
) -> Summary:
    """A run whose backends have these differences, and accuracies on fair and on biased labels."""
    cells = (A, B)[: len(found)]
    head = header(*cells).model_copy(update={"best_learner": dict(best or {}), "machine": MACHINE})
    records: list[AnyRecord] = [head]
    for cell, figures in zip(cells, found, strict=True):
        for record in whole(cell, steady(cell, [1.0] * 4)):
            is_end = isinstance(record, Evaluated)
            update = {"groups": groups(*figures)} if is_end else {}
            records.append(record.model_copy(update=update))
    if echo is not None:
        cell = A.model_copy(update={"echo": True})
        records.append(
            Evaluated(cell=cell, round=1, step=10, loss=1.0, tokens=7, seconds=0.1,
                      groups=groups(echo, 0.9, None))
        )  # fmt: skip
    return summarise(records)


def sweep(field: str, points: Mapping[Any, Summary]) -> SweepSummary:
    swept = [
        SweptPoint(name=str(value), values={field: value}, summary=summary)
        for value, summary in points.items()
    ]
    axes = {field: list(points)}
    return SweepSummary(run_id="s", command=["compare"], axes=axes, points=swept, scaling=[])


FRONT = {
    "reweigh:0": run([(-0.08, 0.910, 0.922), (-0.07, 0.911, 0.921)],
                     best={"selection": -0.076, "accuracy": 0.91, "biased_accuracy": 0.922}),
    "reweigh:1": run([(-0.03, 0.930, 0.919), (-0.02, 0.931, 0.918)],
                     best={"selection": -0.026, "accuracy": 0.93, "biased_accuracy": 0.9195}),
}  # fmt: skip


def test_a_cost_that_is_a_gain_on_fair_labels_is_said_to_be_one() -> None:
    (said,) = sentences(sweep("task.mitigation", FRONT))
    assert said == (
        "reweigh:1 against reweigh:0: selection differs by -0.030 to -0.020, not -0.080 to -0.070;"
        " accuracy changes by -0.003 on biased labels, the only ones that one has in practice, and"
        " by +0.020 on fair ones: on these texts the cost on biased labels is a gain on fair ones."
    )


def test_a_cost_on_both_is_no_gain() -> None:
    worse = {**FRONT, "reweigh:1": run([(-0.03, 0.900, 0.919), (-0.02, 0.901, 0.918)])}
    (said,) = sentences(sweep("task.mitigation", worse))
    assert "is a gain" not in said


def test_each_point_stands_beside_the_theory() -> None:
    found = front_table(sweep("task.mitigation", FRONT))
    assert found is not None
    assert len(found.rows) == 4
    assert "-0.026" in found.rows[2]
    assert front_table(sweep("train.batch", {1: FRONT["reweigh:0"]})) is None


def test_thresholds_stand_on_the_front_beside_the_mitigations() -> None:
    swept = sweep("task.mitigation", FRONT)
    kept = Thresholded(
        backend=A.backend, mode=A.mode, constraint="demographic_parity", fitted_on=10, judged_on=11,
        before=groups(-0.081, 0.905, None), fitted=groups(0.0, 0.93, None),
        after=groups(0.011, 0.925, None),
    )  # fmt: skip
    first, second = swept.points
    swept = swept.model_copy(
        update={"points": [first.model_copy(update={"thresholds": [kept]}), second]}
    )
    _, said = sentences(swept)
    assert said == (
        "reweigh:0 with thresholds for demographic parity: selection differs by 0.011, not -0.081;"
        " accuracy on fair labels changes by +0.020. This is of the 11 texts that no threshold was"
        " fitted on."
    )
    table = front_table(swept)
    assert table is not None
    (row,) = (row for row in table.rows if "thresholds" in row[0])
    assert row[0] == "reweigh:0, thresholds for demographic parity"
    assert row[2].startswith("0.011 ")
    text = str(page.render_sweep(swept))
    assert "Diamonds: with a threshold for each group" in text
    assert "thresholds for demographic parity: 0.011, 0.925" in text


def test_thresholds_are_told_of_any_sweep_and_of_more_than_two_groups() -> None:
    three = groups(0.2, 0.9, None)
    largest = three.gaps[0].model_copy(update={"by_chance": 0.1})
    kept = Thresholded(
        backend=A.backend, mode=A.mode, constraint="equalized_odds", fitted_on=10, judged_on=11,
        before=three.model_copy(update={"gaps": [largest]}),
        fitted=three, after=three.model_copy(update={"gaps": [largest]}),
    )  # fmt: skip
    swept = sweep("train.batch", {8: FRONT["reweigh:0"]})
    (only,) = swept.points
    points = [only.model_copy(update={"thresholds": [kept]})]
    (said,) = sentences(swept.model_copy(update={"points": points}))
    assert said.startswith("batch=8 with thresholds for equalized odds: selection differs by 0.200")


def test_the_page_draws_both_panels_with_the_theory_dotted() -> None:
    text = str(page.render_sweep(sweep("task.mitigation", FRONT)))
    assert 'id="figure-front-fair"' in text
    assert 'id="figure-front-biased"' in text
    assert "Dotted: the best learner" in text
    assert "is a gain on fair ones" in text


def test_frameworks_rounding_and_seeds_are_told_apart_and_beside_examples() -> None:
    seeds = {
        1: run([(-0.070, 0.91, None), (-0.072, 0.91, None)], echo=-0.073),
        2: run([(-0.090, 0.91, None), (-0.091, 0.91, None)], echo=-0.091),
    }
    swept = sweep("train.seed", seeds)
    verdict, moved, examples = sentences(swept)
    assert verdict == (
        "These seeds tell no two frameworks apart in that, beyond what rounding alone does."
    )
    assert moved == (
        "Selection, women less men, is moved by frameworks by up to 0.002, rounding alone by up to"
        " 0.003 and seeds by up to 0.020."
    )
    assert "±0.020" in examples
    found = spreads_over_seeds([({"train.seed": s}, one) for s, one in seeds.items()])
    (row,) = (r for r in found if (r.label, r.figure) == ("a:m", "selection difference"))
    assert (row.seeds, row.lowest, row.highest) == (2, -0.090, -0.070)
    assert row.over_examples == pytest.approx(0.020)


def test_a_framework_that_stands_apart_is_told() -> None:
    seeds = {s: run([(-0.07, 0.9, None), (-0.17, 0.9, None)], echo=-0.071) for s in (1, 2)}
    assert sentences(sweep("train.seed", seeds))[0] == (
        "a:m less b:m is +0.100 (+0.100 to +0.100) over 2 seeds, more than rounding alone moves it."
    )


def test_what_one_framework_does_at_every_seed_is_told_though_seeds_move_both_further() -> None:
    seeds = {
        s: run([(-0.01 * s, 0.9, None), (-0.01 * s - 0.02 + 0.001 * (s % 2), 0.9, None)],
               echo=-0.01 * s - 0.001)
        for s in range(1, 11)
    }  # fmt: skip
    verdict, moved, *_ = sentences(sweep("train.seed", seeds))
    assert verdict.startswith("a:m less b:m is +0.019 (+0.019 to +0.020)")
    assert "over 10 seeds" in verdict
    assert "seeds by up to 0.09" in moved


@pytest.mark.parametrize("field", ["train.seed", "task.mitigation"])
def test_of_one_value_nothing_is_said(field: str) -> None:
    assert sentences(sweep(field, {1: FRONT["reweigh:0"]})) == []
