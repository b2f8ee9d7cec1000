"""In which order the cells of a round take their turns."""

import random
from collections.abc import Iterator


def turns(count: int, shuffler: random.Random) -> Iterator[list[int]]:
    """Orders of `count` cells, without end unless there is none: each cell takes each place equally
    often, and follows each other one equally often.

    A Latin square that is balanced for its neighbours (Williams 1949, "Experimental designs
    balanced for the estimation of residual effects of treatments"), or for odd counts it and its
    mirror image; cells and rows are shuffled anew each time it has been gone through. What a cell
    leaves behind, a warm cache or threads that still wait in a loop, so falls on all alike.
    """
    while count:
        labels = list(range(count))
        shuffler.shuffle(labels)
        rows = _square(count)
        if count % 2:
            rows += [row[::-1] for row in rows]
        shuffler.shuffle(rows)
        for row in rows:
            yield [labels[cell] for cell in row]


def _square(count: int) -> list[list[int]]:
    """Rows of 0, 1, n-1, 2, n-2, ..., each cell raised by one from row to row."""
    first = [
        (place + 1) // 2 if place % 2 else -place // 2 % max(1, count) for place in range(count)
    ]
    return [[(cell + row) % count for cell in first] for row in range(count)]
