"""What is to be played, once it is chosen."""

from dataclasses import dataclass

from compare.records.values import CellName


@dataclass(frozen=True)
class Choice:
    """A cell to play, the adapter that plays it, whether it is an oracle, and the interpreter that
    the adapter has of its own, if any."""

    cell: CellName
    adapter: str
    oracle: bool
    python: str | None = None
