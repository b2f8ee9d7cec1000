"""Summaries as they are kept beside the records that they were made of."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from compare.archive import interim
from compare.archive.scaling import SweepSummary, SweptPoint, scalings
from compare.errors import UserError, writing
from compare.findings.summary import Summary, summarise
from compare.records.reading import FoundRecords, content_of, parse, read, sha256
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import Attempt, SweepFolder
from compare.records.thresholds import Thresholded, read_thresholds
from compare.spec.training import TrainSpec
from compare.swept.seeds import speeds_over_seeds, spreads_over_seeds
from compare.swept.weak import weak_scalings
from compare.version import VERSION

STORED = "summary.json"


class StoredSummary(BaseModel):
    """A summary as it is kept beside the records that it was made of, to be read faster."""

    suite_version: str
    records_bytes: int
    records_sha256: str
    summary: Summary

    def is_of(self, content: bytes) -> bool:
        """Whether it was made of these records, by this version."""
        return (
            self.suite_version == VERSION
            and self.records_bytes == len(content)
            and self.records_sha256 == sha256(content)
        )


def read_summary(folder: RunFolder) -> tuple[Summary, list[str]]:
    """The summary of a run, and what of its records could not be read, which its notes tell too.

    It is the stored one if that is of these records and this version.
    """
    whole = content_of(folder)
    try:
        stored = StoredSummary.model_validate_json((folder.path / STORED).read_bytes())
    except (OSError, ValidationError):
        stored = None
    if stored and stored.is_of(whole) and _is_of_today(stored.summary):
        return stored.summary, []
    found = parse(folder, whole)
    return summary_of(found), found.problems


def _is_of_today(summary: Summary) -> bool:
    """Not of a time when this version was in the making, and fields had other names."""
    return set(TrainSpec.model_fields) == set(summary.experiment["train"])


def summary_of(found: FoundRecords) -> Summary:
    """The summary of what could be read; what could not is among its first notes."""
    return summarise(found.records, found.problems)


def stored_summary(folder: RunFolder) -> Summary:
    """The summary of a run, see `read_summary`."""
    return read_summary(folder)[0]


def summary_so_far(folder: RunFolder) -> Summary:
    """The summary of a run that is being played, now."""
    return interim.summary_so_far(read(folder).records, datetime.now(UTC))


def read_sweep(
    folder: SweepFolder, played: Collection[Path] = ()
) -> tuple[SweepSummary, list[str]]:
    """The summary of a sweep's points that have been begun, and what could not be read of them;
    a point of which nothing can be read is in its notes. `played` are folders of points that are
    being played: of these it is what there is so far."""
    sweep = folder.sweep()
    points, notes, problems = [], list[str](), list[str]()
    for point in sweep.points:
        at, summary, kept = folder.run_folder(point), None, list[Thresholded]()
        if at.exists():
            try:
                so_far = at.path in played
                summary, found = (summary_so_far(at), []) if so_far else read_summary(at)
                problems += [f"{point.name}: {problem}" for problem in found]
                kept = list(read_thresholds(at.path))
            except UserError as error:
                notes.append(str(error))
        if summary is None:
            notes += [_told(one) for one in sweep.attempts if one.point == point.name][-1:]
        points.append(
            SweptPoint(
                name=point.name,
                values=point.values,
                ranks=point.ranks,
                summary=summary,
                thresholds=kept,
            )
        )
    seen = [(point.values, point.summary) for point in points if point.summary]
    summary_of_all = SweepSummary(
        run_id=sweep.run_id,
        command=sweep.command,
        axes=sweep.axes,
        points=points,
        scaling=scalings(sweep.axes, points),
        seeds=spreads_over_seeds(seen),
        speeds=speeds_over_seeds(seen),
        weak=weak_scalings((point.ranks, point.summary) for point in points if point.summary),
        notes=notes,
    )
    return summary_of_all, [*notes, *problems]


def _told(attempt: Attempt) -> str:
    """What became of a point that an engine gave to a machine."""
    outcome = attempt.outcome or "being played"
    why = f": {' '.join(attempt.why.split())}" if attempt.why else ""
    return f"{attempt.point} {outcome} on {attempt.stage}{why}"


def summarise_sweep(folder: SweepFolder, played: Collection[Path] = ()) -> SweepSummary:
    """The summary of a sweep, see `read_sweep`."""
    return read_sweep(folder, played)[0]


def store(folder: RunFolder, summary: Summary) -> None:
    """Keep a summary that was made of all records of a folder beside them, to be read faster."""
    whole = content_of(folder)
    stored = StoredSummary(
        suite_version=VERSION, records_bytes=len(whole), records_sha256=sha256(whole),
        summary=summary,
    )  # fmt: skip
    with writing(folder.path / STORED):
        (folder.path / STORED).write_text(stored.model_dump_json(), encoding="utf-8")


def summarise_anew(folder: RunFolder) -> tuple[Summary, list[str]]:
    """The summary of a run from its records, which is kept beside them where all can be read; and
    what cannot."""
    found = read(folder)
    summary = summary_of(found)
    if not found.problems:
        store(folder, summary)
    return summary, found.problems
