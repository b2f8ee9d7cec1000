"""The page of a sweep's points: done, played where, failed, and how long it still takes.

It is of what lies in the folder, whoever plays there: a process of this machine, which holds a
lock; an engine, which records its attempts; a batch system on other machines, which adds to records
in a shared folder.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from compare.errors import UserError
from compare.findings.number_text import NOTHING, clock
from compare.records.reading import read
from compare.records.record_types import header_of
from compare.records.run_folder import RECORDS, RunFolder
from compare.records.sweep_folder import Attempt, SweepFolder
from compare.serving import pages
from compare.serving.played import is_played
from compare.swept.finished import State, state_of
from compare.swept.standing import Playing, Standing

_SILENT_SECONDS = 300.0  # after which a run that nobody here plays is taken for cut off


class Row(NamedTuple):
    """One point; `seconds` is how long it took, or has taken so far."""

    name: str
    state: str
    where: str = ""
    seconds: float | None = None


class _Known(NamedTuple):
    state: State
    host: str
    started: datetime


def rows_of(folder: SweepFolder, played: Collection[int], now: datetime) -> Iterator[Row]:
    """A row for each point in their order; `played` are inodes that a process holds a lock on."""
    sweep = folder.sweep()
    attempts = {attempt.point: attempt for attempt in sweep.attempts}  # the last one of each
    for point in sweep.points:
        run, attempt = folder.run_folder(point), attempts.get(point.name)
        locked = run.path.exists() and is_played([run.path], set(played))
        yield _row(point.name, run, attempt, locked, now)


def standing_of(rows: Collection[Row]) -> Standing:
    """Of all points together."""
    return Standing(
        of=len(rows),
        done=sum(row.state == "done" for row in rows),
        failed=[row.name for row in rows if row.state in ("failed", "lost")],
        playing=[Playing(row.name, row.where) for row in rows if row.state == "playing"],
        seconds=[row.seconds for row in rows if row.state == "done" and row.seconds is not None],
    )


def points_page(folder: SweepFolder, played: Collection[int]) -> str:
    """The whole page, without its frame."""
    rows = list(rows_of(folder, played, datetime.now(UTC)))
    standing = standing_of(rows)
    left = standing.seconds_left()
    said = [standing.counts(), standing.whereabouts()]
    said.append(f"about {clock(left)} left" if left is not None and standing.left else "")
    missing = "" if standing.playing or not standing.left else "nobody plays the others just now"
    return pages.plain(
        f"Points of {folder.path.name}",
        [
            pages.lines(filter(None, [*said, missing])),
            pages.table(
                ["point", "", "state", "where", "took"],
                [
                    (
                        str(number),
                        row.name,
                        row.state,
                        row.where or NOTHING,
                        NOTHING if row.seconds is None else clock(row.seconds),
                    )
                    for number, row in enumerate(rows, 1)
                ],
                "Every point, by the number that compare point takes",
            ),
        ],
    )


def points_version(folder: SweepFolder, played: Collection[int]) -> str:
    """A text that changes when the page has more to show."""
    rows = rows_of(folder, played, datetime.now(UTC))
    return str(hash(tuple((row.name, row.state, row.where) for row in rows)))


def _row(name: str, run: RunFolder, attempt: Attempt | None, locked: bool, now: datetime) -> Row:
    known = _known(run)
    where = attempt.stage if attempt else known.host if known else ""
    if attempt and (locked or (attempt.outcome in ("failed", "lost") and known is None)):
        ended = attempt.ended or now
        took = (ended - attempt.started).total_seconds()
        return Row(name, "playing" if locked else attempt.outcome, where, took)
    if known is None:
        return Row(name, "playing" if locked else "not begun", where)
    written = datetime.fromtimestamp((run.path / RECORDS).stat().st_mtime, UTC)
    state: str = known.state
    if state == "unfinished" and (locked or (now - written).total_seconds() < _SILENT_SECONDS):
        state = "playing"
    last = now if state == "playing" else written
    if attempt and attempt.ended:  # its records were gathered, not written here
        return Row(name, state, where, (attempt.ended - attempt.started).total_seconds())
    return Row(name, state, where, (last - known.started).total_seconds())


def _known(run: RunFolder) -> _Known | None:
    """What records tell; None where nothing is begun, or nothing can be read."""
    try:
        return _read(run.path, run.size()) if run.exists() else None
    except (UserError, OSError):
        return None


@lru_cache(maxsize=50_000)
def _read(path: Path, size: int) -> _Known:
    """`size` of the records is there to be a key of the cache."""
    records = read(RunFolder(path)).records
    header = header_of(records)
    return _Known(state_of(records), str(header.machine.get("host", "")), header.started)
