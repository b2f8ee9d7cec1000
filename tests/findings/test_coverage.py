"""Do 95% intervals cover the truth 95% of the time? On simulated machines, where it is known.

What it came to when this was written, of 2,000 runs each (standard errors are 0.5%):

    machine         30 windows   10 windows   until +-2% or 60 windows
    steady               96.0%        95.5%           95.1%
    linear drift         95.2%        94.0%           95.0%
    wandering            95.2%        94.4%           94.7%
    spikes               95.5%        98.9%           95.3%
    two speeds           95.5%        97.3%           95.2%
    everything           96.2%        98.2%           95.1%
"""

import numpy as np
import pytest
from simulated import MACHINES, lockstep, one_after_the_other

from compare.findings import speed
from compare.findings.thresholds import LEAST_PAIRS
from compare.stats import intervals

RUNS = 2000
TRUTH = 1.25
SECONDS = {"a": 1.0, "b": TRUTH}


def covers(logs: list[float]) -> bool:
    found = intervals.ratio(logs)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.low <= TRUTH <= found.high


def coverage(machine: str, windows: int) -> float:
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(RUNS):
        played = lockstep(random, machine, SECONDS, windows)
        hits += covers(speed.paired(played["a"], played["b"])[0])
    return hits / RUNS


def coverage_where_precision_stops(machine: str) -> float:
    random = np.random.default_rng(2)
    hits = 0
    for _ in range(RUNS):
        played = lockstep(random, machine, SECONDS, 60)
        logs = speed.paired(played["a"], played["b"])[0]
        count = LEAST_PAIRS
        while count < len(logs) and half_width(logs[:count]) > 0.02:
            count += 1
        hits += covers(logs[:count])
    return hits / RUNS


def half_width(logs: list[float]) -> float:
    found = intervals.ratio(logs)
    assert found is not None
    return intervals.half_width(found)


@pytest.mark.parametrize("machine", MACHINES)
def test_intervals_of_thirty_windows_cover_the_truth_as_often_as_they_say(machine: str) -> None:
    assert 0.93 <= coverage(machine, 30) <= 0.97


@pytest.mark.parametrize("machine", MACHINES)
def test_intervals_of_ten_windows_cover_it_no_less_often(machine: str) -> None:
    assert coverage(machine, 10) >= 0.93  # more often under spikes: wide, and honestly so


@pytest.mark.parametrize("machine", MACHINES)
def test_stopping_at_a_precision_does_not_spoil_them(machine: str) -> None:
    assert coverage_where_precision_stops(machine) >= 0.93


def test_without_lockstep_they_would_not() -> None:
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(RUNS):
        played = one_after_the_other(random, "everything", SECONDS, 10)
        hits += covers(speed.paired(played["a"], played["b"])[0])
    assert hits / RUNS < 0.5
