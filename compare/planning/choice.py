"""What is to be played, once it is chosen."""

from dataclasses import dataclass

from compare.records.values import CellName


@dataclass(frozen=True)
class Choice:
    """A cell to play, the adapter that plays it, and whether it is an oracle."""

    cell: CellName
    adapter: str
    oracle: bool
