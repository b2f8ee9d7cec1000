"""A note to the reader, and what was found of a run that notes tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from compare.findings.cell_summary import CellSummary, Pace
from compare.findings.cells import Cell
from compare.findings.gate import Gate
from compare.findings.speed import Comparison
from compare.records.record_types import AnyRecord, Header

Grade = Literal["breaks", "widens", "record"]
"""What a note does to the verdict; the last is for the record."""


class Note(BaseModel):
    """`text` is about the `cells`, labels, or about the run where there are none; `remedy` is what
    can be done about it, in the way that the run was made."""

    grade: Grade
    text: str
    cells: list[str] = []
    remedy: str = ""

    def __str__(self) -> str:
        about = f"{', '.join(self.cells)}: " if self.cells else ""
        return f"{about}{self.text}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class Found:
    """What was found of a run, of which notes tell."""

    header: Header
    records: Sequence[AnyRecord]
    cells: Sequence[Cell]
    rows: Sequence[CellSummary]
    pace: Pace
    comparisons: Sequence[Comparison]
    gate: Gate
    precision: float | None

    @property
    def asked_for_a_precision(self) -> bool:
        return self.header.run.get("precision") is not None

    @property
    def remedy(self) -> str:
        """For windows that are too few or too short."""
        if self.asked_for_a_precision:
            return "give it more --budget"
        return "take more --steps or ask for a --precision"
