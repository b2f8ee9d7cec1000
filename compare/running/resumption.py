"""What of an earlier run still counts: rounds of the same experiment, adapter and environment."""

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from compare.errors import UserError
from compare.meters import machine
from compare.planning.plan import Plan
from compare.planning.survey import Identity
from compare.records.record_types import (
    AnyRecord,
    CellRecord,
    Ended,
    Header,
    KeptRound,
    Opened,
    Resumed,
    current,
    header_of,
)
from compare.records.sweep_folder import Point
from compare.records.values import CellName
from compare.spec.experiment import Experiment
from compare.version import VERSION

# What else a machine says of itself differs from minute to minute.
_LASTING = ("cpu", "cpus", "memory_bytes", "system", "python")


def cell_key(
    fingerprint: str,
    cell: CellName,
    identity: Identity,
    run: Mapping[str, Any],
    described: Mapping[str, Any],
    variables: Mapping[str, str],
) -> str:
    """SHA-256 of all that a cell's figures depend on: the experiment, the adapter's source and
    mode, its libraries' versions, the machine, threads, device and environment variables."""
    parts = {
        "experiment": fingerprint,
        "backend": cell.backend,
        "mode": cell.mode,
        "adapter": identity.adapter_sha256,
        "versions": identity.versions,
        "threads": run["threads"],
        "device": run["device"],
        "machine": {name: described.get(name) for name in _LASTING},
        "variables": dict(variables),
    }
    if cell.ranks > 1:
        parts["ranks"] = cell.ranks
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def finished_rounds(
    records: Sequence[AnyRecord], plan: Plan, identities: Mapping[CellName, Identity]
) -> list[KeptRound]:
    """The finished rounds of cells that would be played just so now, in whatever order they are
    asked for. An echo or a control counts with the cell that it belongs to.

    What was skipped is finished too; where its framework did not open, as long as it does not.
    """
    fingerprint = plan.experiment.fingerprint()
    described, variables = machine.describe(), machine.relevant_environment()
    now = {
        cell: cell_key(fingerprint, cell, identity, plan.run_settings(), described, variables)
        for cell, identity in identities.items()
    }
    then = _keys_then(records)
    return [
        KeptRound(cell=end.cell, round=end.round)
        for end in current(records)
        if isinstance(end, Ended)
        and end.status in ("ok", "skipped")
        and then.get((end.cell, end.round)) == now.get(end.cell.its_row())
    ]


def is_whole(records: Sequence[AnyRecord], plan: Plan, kept: Sequence[KeptRound]) -> bool:
    """Whether every cell has the rounds that it needs, and none that it did not finish."""
    finished = {(one.cell, one.round) for one in kept}
    begun = {(r.cell, r.round) for r in current(records) if isinstance(r, CellRecord)}
    loose = [cell for cell, _ in begun - finished if cell.is_row]
    return not loose and not any(missing_rounds(plan, kept, skipped_among(records)).values())


def missing_rounds(
    plan: Plan, kept: Sequence[KeptRound], skipped: Container[CellName]
) -> dict[CellName, int]:
    """How many rounds each cell still needs: one that was skipped needs no other."""
    cells = [one.cell for one in kept]
    return {
        cell: 0
        if cell in skipped and cell in cells
        else max(0, plan.run.rounds - cells.count(cell))
        for cell in plan.cells
    }


def skipped_among(records: Sequence[AnyRecord]) -> set[CellName]:
    """The cells that could not play."""
    return {r.cell for r in current(records) if isinstance(r, Ended) and r.status == "skipped"}


def _keys_then(records: Sequence[AnyRecord]) -> dict[tuple[CellName, int], str]:
    """By cell and round, the key of every cell that was opened."""
    header, found = header_of(records), dict[tuple[CellName, int], str]()
    described, variables = header.machine, header.environment
    for record in records:
        if isinstance(record, Header | Resumed):
            described, variables = record.machine, record.environment
        if isinstance(record, Opened):
            row = record.cell.its_row()
            identity = Identity(record.adapter_sha256, record.versions)
            found[record.cell, record.round] = cell_key(
                header.fingerprint, row, identity, header.run, described, variables
            )
    return found


def last_round(records: Sequence[AnyRecord]) -> int:
    """The highest number that a round has; 0 where none was begun."""
    return max((r.round for r in records if isinstance(r, CellRecord)), default=0)


def require_version(path: Path, suite_version: str) -> None:
    """Raise UserError unless this version made a run or sweep."""
    if suite_version != VERSION:
        raise UserError(
            f"'{path}' cannot be resumed: version {suite_version or 'unknown'} made it, and this"
            f" is {VERSION}"
        )


def differing_parts(then: Experiment, now: Experiment) -> list[str]:
    """The fields in which two experiments differ, such as the hash of their data."""
    return [name for name in Experiment.model_fields if getattr(then, name) != getattr(now, name)]


def require_planned(path: Path, point: Point, now: Plan) -> None:
    """Raise UserError unless a point of a sweep is, on this machine, what was planned."""
    here = now.experiment
    if point.fingerprint in ("", here.fingerprint()):
        return
    what = "the data" if point.data_sha256 != here.data_sha256 else "the experiment"
    raise UserError(
        f"'{path}' is not played: {what} of '{point.name}' is not on this machine what it was where"
        " the sweep was planned"
    )


def require_same(path: Path, then: Header, now: Plan) -> None:
    """Raise UserError, naming what differs, unless experiment and cells are what they were."""
    differing = differing_parts(then.experiment, now.experiment)
    if set(then.cells) != set(now.cells):
        differing.append("backends")
    if differing:
        raise UserError(
            f"'{path}' cannot be resumed: its experiment is not what it was: other"
            f" {', '.join(differing)}"
        )
