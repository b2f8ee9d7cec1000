"""What another seed changes, from summaries of points."""

from collections.abc import Sequence
from statistics import stdev

import pytest
from compare.report.sweep_words import verdicts
from compare.report.table import seeds_table
from fake_records import A, B, header, steady, whole

from compare.archive.scaling import SweepSummary, SweptPoint
from compare.errors import UserError
from compare.findings.summary import Summary, summarise
from compare.planning.sweeps import parse_axes
from compare.records.record_types import AnyRecord
from compare.records.values import Estimate
from compare.swept.seeds import speeds_over_seeds, spreads_over_seeds

LOSSES = (1.0, 1.1, 1.3)
RATIOS = (2.0, 2.2, 2.1)


def at(loss: float, ratio: float, seconds: float = 1.0) -> Summary:
    """A run of two backends, the first of which is so many times as fast."""
    records: list[AnyRecord] = [header(A, B)]
    for cell, took in ((A, seconds), (B, ratio * seconds)):
        drawn = [took * (1 + 1e-5 * (i * 5 % 7 - 3)) for i in range(6)]
        records += whole(cell, steady(cell, drawn))
    found = summarise(records)
    for row in found.cells:
        row.validation_loss = loss
        row.quality = {"bleu": Estimate(value=10 * loss, low=10 * loss - 2, high=10 * loss + 2)}
    return found


def points() -> list[tuple[dict[str, int], Summary]]:
    return [
        ({"train.seed": seed, "train.batch": batch}, at(loss + batch, ratio))
        for seed, (loss, ratio) in enumerate(zip(LOSSES, RATIOS, strict=True))
        for batch in (2, 4)
    ]


def test_losses_and_qualities_have_a_spread_over_seeds_beside_that_over_examples() -> None:
    found = {
        (one.label, one.figure, one.others["train.batch"]): one
        for one in spreads_over_seeds(points())
    }
    assert {figure for _, figure, _ in found} == {"training loss", "validation loss", "bleu"}
    loss = found["a:m", "validation loss", 4]
    assert loss.seeds == 3
    assert loss.mean.value == pytest.approx(sum(LOSSES) / 3 + 4)
    assert loss.deviation == pytest.approx(stdev(LOSSES))
    assert (loss.lowest, loss.highest) == (5.0, 5.3)
    assert loss.over_examples is None
    assert found["b:m", "bleu", 2].over_examples == pytest.approx(2.0)


def test_speed_over_seeds_counts_each_point_once() -> None:
    """Whoever is faster comes first, and a point with more windows counts no more."""
    first, second = speeds_over_seeds(points())
    assert (first.first, first.second, first.seeds) == ("a:m", "b:m", 3)
    assert first.ratio.value == pytest.approx((2.0 * 2.2 * 2.1) ** (1 / 3), rel=1e-4)
    assert first.ratio.low is not None
    assert 1.8 < first.ratio.low < 2.1
    assert first.others != second.others


def test_points_that_were_not_judged_count_not() -> None:
    short = [({"train.seed": seed}, at(1.0, 2.0, seconds=0.001)) for seed in range(3)]
    assert speeds_over_seeds(short) == []
    assert len(spreads_over_seeds(short)) == 6  # losses are what they are


@pytest.mark.parametrize("axes", [{"train.batch": 2}, {"train.seed": 1}])
def test_without_two_seeds_nothing_is_said(axes: dict[str, int]) -> None:
    assert spreads_over_seeds([(axes, at(1.0, 2.0))]) == []
    assert speeds_over_seeds([(axes, at(1.0, 2.0))]) == []


def test_reports_say_it() -> None:
    both = enumerate(zip(LOSSES, RATIOS, strict=True))
    swept = summary([({"train.seed": seed}, at(loss, ratio)) for seed, (loss, ratio) in both])
    said = "over 3 seeds, each once: a:m is 2.10 (1.86–2.36) times as fast as b:m"
    assert said in verdicts(swept)
    table = seeds_table(swept)
    assert table is not None
    shown = {(row[0], row[1]): row[2:] for row in table.rows}
    assert shown["a:m", "bleu"] == ["3", "11.33 (7.539–15.13)", "1.5", "10 to 13", "±2"]
    assert shown["a:m", "validation loss"][-1] == "–"
    assert seeds_table(summary([({"train.batch": 2}, at(1.0, 2.0))])) is None


def summary(found: Sequence[tuple[dict[str, int], Summary]]) -> SweepSummary:
    axes = {field: [values[field] for values, _ in found] for field in found[0][0]}
    return SweepSummary(
        run_id="swept", command=[], axes=axes, scaling=[],
        points=[SweptPoint(name=str(v), values=v, summary=one) for v, one in found],
        seeds=spreads_over_seeds(found), speeds=speeds_over_seeds(found),
    )  # fmt: skip


def test_a_range_is_its_whole_numbers() -> None:
    assert parse_axes(["train.seed=1..4,7", "task.tokens=1..3"], {"task.tokens"}) == {
        "train.seed": [1, 2, 3, 4, 7],
        "task.tokens": ["1..3"],
    }


@pytest.mark.parametrize("value", ["5..1", "1..9999999"])
def test_a_range_that_is_none_is_told(value: str) -> None:
    with pytest.raises(UserError, match=r"takes FIRST\.\.LAST, up to 100,000 whole numbers"):
        parse_axes([f"train.seed={value}"])
