"""Ranks: several processes that train one model together, each on rows of its own of every batch.

docs/ranks.md walks through it. A backend that can do it has a `join` beside the rest of its
contract; in `train` it divides by `batch["count"]`, the valid targets of the whole batch, and adds
gradients up over the ranks before it clips them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from compare.spec.arrays import Weights


@dataclass(frozen=True)
class Group:
    """The ranks that train together, as one of them sees it.

    `addresses` has a free "host:port" for each rank, the first of which is the coordinator's. In a
    `silent` group everything is done but the adding up: what is then missing of a step's time is
    what the ranks spend on talking.
    """

    rank: int
    size: int
    addresses: tuple[str, ...]
    timeout: float
    """Seconds after which the suite gives an answer up: a framework's own limit lies beyond"""
    silent: bool = False
    add_up: Callable[[Weights], Weights] = field(default=dict, repr=False)

    def sum(self, arrays: Weights) -> Weights:
        """Arrays of each name added up over the ranks, in their order, the same on all of them to
        the last bit; of NumPy arrays that have the same names, shapes and dtypes on each rank."""
        return dict(arrays) if self.silent else self.add_up(arrays)


class Grouped(Protocol):
    """Optional for a backend: it can be one rank of several."""

    def join(self, group: Group) -> None:
        """Called once, after `open` and before `devices`. What is then built has as many rows a
        batch as this rank has.

        In `train` batches have one field more, `count`, (steps,) float64: the valid targets of the
        whole batch, by which the sum of this rank's losses is divided. Gradients are summed over
        the ranks, never averaged, and then clipped; the losses returned are this rank's share.
        `gradients` may be given a `count`, of one value, and then divides by it too. Only `train`
        talks to other ranks: all else is asked of one alone. Raises Unsupported for a mode that
        cannot.
        """
        ...
