"""Whether a run is done, as its records tell, wherever it was played."""

from collections.abc import Sequence
from typing import Literal

from compare.records.record_types import AnyRecord, CellRecord, Ended, current, header_of

State = Literal["done", "failed", "unfinished"]


def state_of(records: Sequence[AnyRecord]) -> State:
    """ "done" where every backend has all of its rounds or could not be played, "failed" where one
    went wrong, "unfinished" where one was cut off or is still to come."""
    header, kept = header_of(records), current(records)
    ends = [r for r in kept if isinstance(r, Ended) and r.cell.is_row]
    if any(end.status == "failed" for end in ends):
        return "failed"
    begun = {(r.cell, r.round) for r in kept if isinstance(r, CellRecord) and r.cell.is_row}
    loose = begun - {(end.cell, end.round) for end in ends if end.status != "interrupted"}
    for cell in header.cells:
        mine = [end for end in ends if end.cell == cell]
        played = sum(end.status == "ok" for end in mine)
        skipped = any(end.status == "skipped" for end in mine)
        if not skipped and played < header.run["rounds"]:
            return "unfinished"
    return "unfinished" if loose else "done"
