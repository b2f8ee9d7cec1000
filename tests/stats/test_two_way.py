import numpy as np
import pytest

from compare.stats.two_way import fit

NAN = float("nan")


def test_without_gaps_a_level_is_the_mean_of_the_row() -> None:
    table = np.random.default_rng(1).normal(size=(4, 30))
    found = fit(table, np.ones(30))
    assert found.levels == pytest.approx(table.mean(axis=1))
    assert set(found.groups) == {0}
    weights = np.linspace(1, 3, 30)
    assert fit(table, weights).levels == pytest.approx(np.average(table, axis=1, weights=weights))


def test_what_a_place_did_to_all_is_not_held_against_those_that_were_there() -> None:
    """The second row missed the slow place; the third is met by the first alone."""
    rows, places = np.array([3.0, 2.0, 5.0]), np.array([0.0, 0.5, -4.0, 1.0])
    table = rows[:, None] + places
    table[1, 2] = NAN
    table[2, :2] = NAN
    found = fit(table, np.ones(4))
    assert found.levels - found.levels[0] == pytest.approx(rows - rows[0])
    assert found.levels.mean() == pytest.approx(rows.mean() + places.mean())


def test_rows_that_no_chain_of_places_joins_are_of_different_groups() -> None:
    table = np.array([[1.0, NAN, NAN, NAN], [NAN, 2.0, 3.0, NAN], [NAN, NAN, 4.0, NAN],
                      [6.0, NAN, NAN, 7.0]])  # fmt: skip
    found = fit(table, np.ones(4))
    assert found.groups.tolist() == [0, 1, 1, 0]
    assert found.levels[2] - found.levels[1] == pytest.approx(1.0)
    assert found.levels[3] - found.levels[0] == pytest.approx(5.0)
