"""Reading what runs left behind: their records, or the summaries that were made of them."""

from pydantic import BaseModel, ValidationError

from compare.errors import UserError
from compare.records import READABLE_VERSIONS, AnyRecord, Header, header_of
from compare.results import RunFolder
from compare.scaling import SweepSummary, SweptPoint, scalings
from compare.summary import Summary, summarise
from compare.sweep import SweepFolder
from compare.version import VERSION

STORED = "summary.json"


class StoredSummary(BaseModel):
    """A summary as it is kept beside the records that it was made of, to be read faster."""

    suite_version: str
    records_bytes: int
    summary: Summary


def summarise_sweep(folder: SweepFolder) -> SweepSummary:
    """Of the points that have been begun; the stored summary of each where it is up to date."""
    sweep = folder.sweep()
    points = []
    for point in sweep.points:
        at = folder.run_folder(point)
        summary = stored_summary(at) if at.exists() else None
        points.append(SweptPoint(name=point.name, values=point.values, summary=summary))
    return SweepSummary(
        run_id=sweep.run_id,
        command=sweep.command,
        axes=sweep.axes,
        points=points,
        scaling=scalings(sweep.axes, points),
    )


def stored_summary(folder: RunFolder) -> Summary:
    """The summary of a run: the stored one if it is of these records and this version."""
    try:
        stored = StoredSummary.model_validate_json((folder.path / STORED).read_bytes())
    except (OSError, ValidationError):
        return summarise(read_records(folder))
    if (stored.suite_version, stored.records_bytes) == (VERSION, folder.size()):
        return stored.summary
    return summarise(read_records(folder))


def read_records(folder: RunFolder) -> list[AnyRecord]:
    """The records of a folder; raises UserError where it is no run, or one of another version."""
    if not folder.exists():
        raise UserError(f"'{folder.path}' is no run folder: it has no records")
    try:
        records = folder.records()
        header: Header = header_of(records)
    except (StopIteration, ValidationError):
        raise UserError(f"'{folder.path}' cannot be read: another version wrote it") from None
    if header.schema_version not in READABLE_VERSIONS:
        raise UserError(f"'{folder.path}' cannot be read: another version wrote it")
    return records
