"""Thresholds for each group, as a point of a sweep keeps what they come to.

thresholds.jsonl   a line for each backend and constraint
"""

from collections.abc import Sequence
from pathlib import Path

from compare.errors import UserError
from compare.records.groups import Groups
from compare.records.place import write_whole
from compare.records.values import Record, labelled

LINES = "thresholds.jsonl"


class Thresholded(Record):
    """How one backend's groups fare before and after, by the likeliest class and by thresholds:
    `before` and `after` on the half that no threshold was fitted on, `fitted` on the other."""

    backend: str
    mode: str
    ranks: int = 1
    constraint: str
    fitted_on: int
    judged_on: int
    before: Groups
    fitted: Groups
    after: Groups

    @property
    def label(self) -> str:
        return labelled(self.backend, self.mode, self.ranks)


def read_thresholds(folder: Path) -> Sequence[Thresholded]:
    """What was kept, if anything was; raises UserError for what another version wrote."""
    path = folder / LINES
    if not path.is_file():
        return []
    try:
        return [Thresholded.model_validate_json(line) for line in path.read_bytes().splitlines()]
    except ValueError:
        raise UserError(f"'{path}' cannot be read: another version wrote it") from None


def keep_thresholds(folder: Path, found: Sequence[Thresholded]) -> None:
    """Keep these, in place of what was kept of the same backends and constraints."""
    try:
        kept = list(read_thresholds(folder))
    except UserError:  # it can be made again
        kept = []
    now = {(one.label, one.constraint) for one in found}
    lines = [one for one in kept if (one.label, one.constraint) not in now] + list(found)
    write_whole(folder / LINES, "".join(one.model_dump_json() + "\n" for one in lines))
