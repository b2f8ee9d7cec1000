"""Several runs of one experiment as one: cells of all of them, their rounds one after the other."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from compare.errors import UserError
from compare.records.differences import differing_fields, in_short
from compare.records.record_types import (
    AnyRecord,
    CellRecord,
    Header,
    Probed,
    Resumed,
    SpeedCheck,
    current,
    header_of,
)


def once(runs: Sequence[Sequence[AnyRecord]]) -> list[Sequence[AnyRecord]]:
    """Each run once, by its id: of several copies the one with the most records, for a run that is
    read twice tells no more than it did."""
    found: dict[str, Sequence[AnyRecord]] = {}
    for run in runs:
        known = found.setdefault(header_of(run).run_id, run)
        if len(run) > len(known):
            found[header_of(run).run_id] = run
    return list(found.values())


def merged(runs: Sequence[Sequence[AnyRecord]]) -> list[AnyRecord]:
    """The records of runs of one experiment as those of a single one.

    Rounds are numbered on, so what was played in different runs is never paired window by window;
    a cell that several runs have gains rounds. One echo is kept, and a roofline only where all runs
    are of one machine. Runs of equal ids count once. Raises UserError, naming the fields, where
    experiments differ.
    """
    runs = once(runs)
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


def unlike(headers: Sequence[Header]) -> dict[str, str]:
    """In what machines and settings of merged runs differ from the first one's: by the run's id."""
    first, found = headers[0], {}
    for other in headers[1:]:
        fields = differing_fields(first.machine, other.machine)
        if first.run["threads"] != other.run["threads"]:
            fields.append(f"threads: {first.run['threads']} and {other.run['threads']}")
        if fields:
            found[other.run_id] = in_short(fields)
    return found


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
        if isinstance(record, SpeedCheck):
            yield record.model_copy(update={"round": last + record.round})
        elif isinstance(record, CellRecord):
            if with_echo or not record.cell.echo:
                yield record.model_copy(update={"round": last + record.round})
        elif isinstance(record, Probed):
            if with_roofline:
                yield record
        elif not isinstance(record, Header | Resumed):  # those are of one run alone
            assert_never(record)
