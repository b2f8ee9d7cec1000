"""Several runs of one experiment as one: cells of all of them, their rounds one after the other."""

from collections.abc import Iterator, Sequence

from compare.errors import UserError
from compare.records.differences import differing_fields, in_short
from compare.records.record_types import (
    AnyRecord,
    CellRecord,
    Header,
    Probed,
    SpeedCheck,
    current,
    header_of,
)


def merged(runs: Sequence[Sequence[AnyRecord]]) -> list[AnyRecord]:
    """The records of runs of one experiment as those of a single one.

    Rounds are numbered on, so what was played in different runs is never paired window by window;
    a cell that several runs have gains rounds. One echo is kept, and a roofline only where all runs
    are of one machine. Raises UserError, naming the fields, where experiments differ.
    """
    headers = [header_of(run) for run in runs]
    first = headers[0]
    for other in headers[1:]:
        _require_same(first, other)
    one_machine = all(header.machine == first.machine for header in headers)
    header = first.model_copy(
        update={
            "run_id": " + ".join(header.run_id for header in headers),
            "cells": list(dict.fromkeys(cell for one in headers for cell in one.cells)),
            "oracles": list(dict.fromkeys(cell for one in headers for cell in one.oracles)),
        }
    )
    records: list[AnyRecord] = [header]
    for run in runs:
        last = max((r.round for r in records if isinstance(r, CellRecord)), default=0)
        has_echo = any(isinstance(r, CellRecord) and r.cell.echo for r in records)
        records += _renumbered(current(list(run)), last, not has_echo, one_machine)
    return records


def of_different(headers: Sequence[Header]) -> list[str]:
    """In what machines and settings of merged runs differ: a note for each run but the first."""
    first, notes = headers[0], []
    for other in headers[1:]:
        fields = differing_fields(first.machine, other.machine)
        if first.run["threads"] != other.run["threads"]:
            fields.append(f"threads: {first.run['threads']} and {other.run['threads']}")
        if fields:
            how = in_short(fields)
            notes.append(f"{first.run_id} and {other.run_id} were not made alike: {how}")
    return notes


def _require_same(first: Header, other: Header) -> None:
    if first.fingerprint == other.fingerprint:
        return
    fields = differing_fields(
        first.experiment.model_dump(mode="json"), other.experiment.model_dump(mode="json")
    )
    raise UserError(
        f"'{first.run_id}' and '{other.run_id}' are of different experiments: {in_short(fields)}"
    )


def _renumbered(
    records: Sequence[AnyRecord], last: int, with_echo: bool, with_roofline: bool
) -> Iterator[AnyRecord]:
    for record in records:
        if isinstance(record, CellRecord | SpeedCheck):
            if with_echo or isinstance(record, SpeedCheck) or not record.cell.echo:
                yield record.model_copy(update={"round": last + record.round})
        elif isinstance(record, Probed) and with_roofline:
            yield record
