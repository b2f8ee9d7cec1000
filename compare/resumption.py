"""What of an earlier run still counts: rounds of the same experiment, adapter and environment."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compare.errors import UserError
from compare.meters import machine
from compare.plan import Plan
from compare.records import (
    AnyRecord,
    CellName,
    CellRecord,
    Ended,
    Header,
    KeptRound,
    Opened,
    Resumed,
    current,
    header_of,
)
from compare.spec import Experiment
from compare.survey import Identity

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
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def finished_rounds(
    records: Sequence[AnyRecord], plan: Plan, identities: Mapping[CellName, Identity]
) -> list[KeptRound]:
    """The finished rounds of cells that would be played just so now, in whatever order they are
    asked for. An echo or a control counts with the cell that it belongs to."""
    fingerprint = plan.experiment.fingerprint()
    described, variables = machine.describe(), machine.relevant_environment()
    now = {
        cell: cell_key(fingerprint, cell, identity, plan.run_settings(), described, variables)
        for cell, identity in identities.items()
    }
    ended = {
        (r.cell, r.round) for r in current(records) if isinstance(r, Ended) and r.status == "ok"
    }
    return [
        KeptRound(cell=cell, round=number)
        for cell, number, key in _played(records)
        if (cell, number) in ended and key == now.get(_row_of(cell))
    ]


def _played(records: Sequence[AnyRecord]) -> list[tuple[CellName, int, str]]:
    """Every cell that was opened: its round, and its key then."""
    header, found = header_of(records), []
    described, variables = header.machine, header.environment
    for record in records:
        if isinstance(record, Header | Resumed):
            described, variables = record.machine, record.environment
        if isinstance(record, Opened):
            row = _row_of(record.cell)
            identity = Identity(record.adapter_sha256, record.versions)
            key = cell_key(header.fingerprint, row, identity, header.run, described, variables)
            found.append((record.cell, record.round, key))
    return found


def last_round(records: Sequence[AnyRecord]) -> int:
    """The highest number that a round has; 0 where none was begun."""
    return max((r.round for r in records if isinstance(r, CellRecord)), default=0)


def require_same(path: Path, then: Experiment, now: Experiment) -> None:
    """Raise UserError, naming what differs, unless the experiment is what it was."""
    differing = [
        name for name in Experiment.model_fields if getattr(then, name) != getattr(now, name)
    ]
    if differing:
        raise UserError(
            f"'{path}' cannot be resumed: its experiment is not what it was"
            f" ({', '.join(differing)} differ)"
        )


def _row_of(cell: CellName) -> CellName:
    return cell.model_copy(update={"echo": False, "control": False})
