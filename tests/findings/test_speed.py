import math

import numpy as np
import pytest
from simulated import in_processes, lockstep

from compare.findings import speed
from compare.findings.window_thresholds import PROCESS_SPREAD
from compare.records.values import CellName
from compare.stats import intervals
from compare.stats.intervals import Timing

A, B, C = (CellName(backend=name, mode="m") for name in "abc")


Cells = dict[CellName, dict[speed.Place, Timing]]


def cells(seconds: dict[CellName, float], windows: int = 20, seed: int = 1) -> Cells:
    found = lockstep(
        np.random.default_rng(seed), "wandering",
        {name.backend: value for name, value in seconds.items()}, windows,
    )  # fmt: skip
    return {name: found[name.backend] for name in seconds}


def test_every_pair_is_compared_the_faster_one_first() -> None:
    found = speed.compare_all(cells({A: 2.0, B: 1.0, C: 1.0}), {})
    assert {(c.first, c.second) for c in found[:1]} == {("b:m", "a:m")}
    assert len(found) == 3
    by_pair = {frozenset((c.first, c.second)): c for c in found}
    assert by_pair[frozenset(("a:m", "b:m"))].verdict == "faster"
    assert by_pair[frozenset(("a:m", "b:m"))].ratio.value == pytest.approx(2.0, rel=0.05)
    assert by_pair[frozenset(("b:m", "c:m"))].verdict == "not separated"
    assert all(c.ratio.value >= 1 for c in found)


def test_more_pairs_make_each_interval_wider() -> None:
    three = cells({A: 1.1, B: 1.0, C: 1.05})
    (alone,) = speed.compare_all({A: three[A], B: three[B]}, {})
    among = speed.compare_all(three, {})
    same = next(c for c in among if {c.first, c.second} == {"a:m", "b:m"})
    assert same.ratio.value == alone.ratio.value
    assert alone.ratio.low is not None
    assert same.ratio.low is not None
    assert same.ratio.low < alone.ratio.low


def test_a_difference_within_the_noise_of_the_control_is_none() -> None:
    exact = {(1, index): Timing(100, 1.0 + index / 1e4) for index in range(12)}
    slower = {place: Timing(100, w.seconds * 1.1) for place, w in exact.items()}
    (without,) = speed.compare_all({A: exact, B: slower}, {})
    assert without.verdict == "faster"
    restless = {place: Timing(100, w.seconds * 1.06) for place, w in exact.items()}
    (found,) = speed.compare_all({A: exact, B: slower}, {A: restless})
    assert found.noise == pytest.approx(0.06)
    assert found.verdict == "not separated"
    quiet = {place: Timing(100, w.seconds * 1.01) for place, w in exact.items()}
    (found,) = speed.compare_all({A: exact, B: slower}, {A: quiet, B: slower})
    assert found.verdict == "faster"
    elsewhere = {(2, index): window for (_, index), window in quiet.items()}
    (found,) = speed.compare_all({A: exact, B: slower}, {A: elsewhere})
    assert found.noise is None  # it says nothing, and not that there is none


def test_from_five_rounds_on_a_round_is_what_counts() -> None:
    random = np.random.default_rng(4)
    ours, theirs = {}, {}
    for number in range(1, 7):
        luck = float(np.exp(random.normal(0, 0.05)))  # of the process, the same in all its windows
        for index in range(30):
            ours[number, index] = Timing(100, 1.0)
            theirs[number, index] = Timing(100, luck)
    (found,) = speed.compare_all({A: ours, B: theirs}, {})
    assert (found.unit, found.pairs) == ("round", 6)
    four = {place: w for place, w in ours.items() if place[0] < 5}
    (fewer,) = speed.compare_all({A: four, B: theirs}, {})
    assert (fewer.unit, fewer.pairs) == ("window", 4 * 30)


def test_what_a_process_or_two_cannot_tell_is_in_their_intervals() -> None:
    """However well windows agree: another process of the same backend may be 2% faster."""
    exact = {(1, index): Timing(100, 1.0 + index / 1e5) for index in range(30)}
    slower = {place: Timing(100, w.seconds * 1.05) for place, w in exact.items()}
    (found,) = speed.compare_all({A: exact, B: slower}, {})
    assert found.verdict == "not separated"
    half = intervals.half_width(found.ratio.interval())
    assert half == pytest.approx(math.exp(1.96 * math.sqrt(2) * PROCESS_SPREAD) - 1, rel=0.01)
    assert found.p_value == pytest.approx(0.084, abs=0.002)  # of a ratio of 1.05, by the normal
    both = [{(n, i): w for n in (1, 2) for (_, i), w in one.items()} for one in (exact, slower)]
    (twice,) = speed.compare_all({A: both[0], B: both[1]}, {})
    assert intervals.half_width(twice.ratio.interval()) == pytest.approx(
        half / math.sqrt(2), rel=0.02
    )
    rate = speed.units(exact).ratio()
    assert rate is not None
    assert intervals.half_width(rate) == pytest.approx(half / math.sqrt(2), rel=0.02)


def test_cells_that_played_nothing_together_are_not_compared() -> None:
    one = {(1, 0): Timing(1, 1.0), (1, 1): Timing(1, 1.1)}
    other = {(2, 0): Timing(1, 1.0), (2, 1): Timing(1, 1.1)}
    assert speed.compare_all({A: one, B: other}, {}) == []


def test_a_thousand_comparisons_of_equals_are_seldom_called_different() -> None:
    wrong = 0
    names = {name.backend: name for name in (A, B, C)}
    for seed in range(1000):
        random = np.random.default_rng(seed)
        played = in_processes(random, dict.fromkeys(names, 1.0), rounds=1, windows=20)
        found = speed.compare_all({names[name]: some for name, some in played.items()}, {})
        wrong += any(c.verdict == "faster" for c in found)
    assert wrong <= 65  # 5% of runs, all pairs of a run together, and two standard errors


def test_efficiency_of_ranks_is_paired_and_of_one_process_there_is_none() -> None:
    both = A.model_copy(update={"ranks": 2})
    found = cells({A: 1.0, B: 0.625})  # stands for two ranks: 1 / (2 * 0.625)
    timed = {A: found[A], both: found[B]}
    rates = speed.rates(timed)
    efficiency = speed.scaling_efficiency(both, timed, rates)
    assert efficiency is not None
    assert efficiency.value == pytest.approx(0.8, rel=0.03)
    assert efficiency.low is not None
    assert efficiency.high is not None
    assert efficiency.low < 0.8 < efficiency.high
    assert speed.scaling_efficiency(A, timed, rates) is None
    alone = {both: found[B]}
    assert speed.scaling_efficiency(both, alone, speed.rates(alone)) is None


def test_what_a_silent_twin_does_without_is_the_share_of_talking() -> None:
    found = cells({A: 1.0, B: 0.75})  # stands for the silent one
    share = speed.communication_share(found[A], found[B])
    assert share is not None
    assert share.value == pytest.approx(0.25, abs=0.02)
    assert share.low is not None
    assert share.high is not None
    assert share.low < 0.25 < share.high
    assert speed.communication_share(found[A], {}) is None
