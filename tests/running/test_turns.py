"""The order of turns: no cell has a better place, or a better neighbour, than another."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from compare.running.turns import turns


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8])
def test_each_cell_takes_each_place_and_follows_each_other_equally_often(count: int) -> None:
    orders = turns(count, random.Random(count))
    whole = [next(orders) for _ in range(2 * count)]  # a square, or it and its mirror image
    assert all(sorted(order) == list(range(count)) for order in whole)
    places = Counter((place, cell) for order in whole for place, cell in enumerate(order))
    followed = Counter(pair for order in whole for pair in pairwise(order))
    assert set(places.values()) == {2}
    assert set(followed.values()) == {2}
    assert len(followed) == count * (count - 1)


def test_where_no_cell_is_left_there_are_no_turns() -> None:
    assert list(turns(0, random.Random(1))) == []


def test_a_cell_alone_is_always_first() -> None:
    orders = turns(1, random.Random(1))
    assert [next(orders) for _ in range(3)] == [[0], [0], [0]]


def test_the_next_square_is_another_one() -> None:
    orders = turns(4, random.Random(1))
    squares = [[next(orders) for _ in range(4)] for _ in range(3)]
    assert squares[0] != squares[1] or squares[1] != squares[2]
