import numpy as np
import pytest

from compare.stats.intervals import Timing
from compare.stats.steadiness import steadiness


def windows(seconds: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[Timing]:
    return [Timing(100, float(value)) for value in seconds]


def noise(count: int, seed: int = 1) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.exp(np.random.default_rng(seed).normal(0, 0.01, count))


def test_a_steady_cell_is_steady() -> None:
    found = steadiness(windows(noise(20)))
    assert found.steady
    assert found.changepoint is None
    assert found.drift is not None
    assert found.drift.value == pytest.approx(1.0, abs=0.02)


def test_a_change_in_the_last_quarter_is_found_where_it_is() -> None:
    seconds = noise(32)
    seconds[26:] *= 1.1
    found = steadiness(windows(seconds))
    assert found.changepoint == 26
    assert not found.steady


def test_a_cell_that_still_warms_up_drifts() -> None:
    found = steadiness(windows(noise(20) * np.linspace(1.2, 1.0, 20)))
    assert not found.steady
    assert found.drift is not None
    assert found.drift.value == pytest.approx(1.1, abs=0.03)  # the last half is faster


def test_one_noisy_window_is_named_and_no_change() -> None:
    seconds = noise(20)
    seconds[18] *= 1.5
    found = steadiness(windows(seconds))
    assert found.noisy == (18,)
    assert found.changepoint is None
    assert found.steady


def test_of_few_windows_nothing_is_said() -> None:
    found = steadiness(windows(noise(7)))
    assert (found.drift, found.changepoint, found.noisy) == (None, None, ())


def test_steady_cells_are_seldom_called_unsteady() -> None:
    wrong = sum(not steadiness(windows(noise(20, seed))).steady for seed in range(300))
    assert wrong <= 15
