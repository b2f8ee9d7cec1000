"""Two folders held against each other: runs, or sweeps point by point, and what else differs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from compare.archive.diff import CellDiff, Diff, Pair, Side, diff_cells
from compare.errors import UserError, shown
from compare.findings.number_text import seconds, si
from compare.records.differences import differing_fields, in_short, upgrades
from compare.records.reading import read
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder, is_sweep

_OTHER_SPEED = 0.05  # of the machine: what is worth telling
_OF_THE_MOMENT = ("host", "load_average", "clock_mhz", "threads", "started", "versions")


def diff_folders(base: Path, new: Path, fail_over: float) -> Diff:
    """Two runs, or two sweeps point by point, held against each other.

    Raises UserError where one of them cannot be read, or where they cannot be compared.
    """
    if is_sweep(base) != is_sweep(new):
        sweep, run = (base, new) if is_sweep(base) else (new, base)
        raise UserError(f"'{sweep}' is a sweep and '{run}' is not: give one of its points")
    if is_sweep(base):
        pairs, notes = _points(SweepFolder(base), SweepFolder(new))
    else:
        pairs, notes = [Pair(_side(base), _side(new))], []
    cells = diff_cells(pairs, fail_over)
    for pair in pairs:
        where = f"{pair.point}: " if pair.point else ""
        notes += [f"{where}{note}" for note in notes_of_pair(pair)]
    return Diff(
        base=shown(str(base)), new=shown(str(new)), fail_over=fail_over, cells=cells,
        notes=[*dict.fromkeys(notes), *_of_noise(cells)],
    )  # fmt: skip


def _side(folder: Path) -> Side:
    return Side(*read(RunFolder(folder)))


def _points(base: SweepFolder, new: SweepFolder) -> tuple[list[Pair], list[str]]:
    """The points of equal values, where both were begun; and which were not."""
    theirs = {repr(sorted(point.values.items())): point for point in new.sweep().points}
    pairs, notes = list[Pair](), list[str]()
    for point in base.sweep().points:
        other = theirs.pop(repr(sorted(point.values.items())), None)
        if other is None:
            notes.append(f"{point.name} is only in the base")
            continue
        folders = base.run_folder(point), new.run_folder(other)
        missing = [folder for folder in folders if not folder.exists()]
        notes += [f"{point.name} was not begun in '{folder.path.parent}'" for folder in missing]
        if not missing:
            pairs.append(Pair(_side(folders[0].path), _side(folders[1].path), point.name))
    notes += [f"{point.name} is only in the new one" for point in theirs.values()]
    if not pairs:
        raise UserError("the two sweeps have no point in common that both played")
    return pairs, notes


def notes_of_pair(pair: Pair) -> list[str]:
    """What else is not the same in two runs, of which none is corrected for."""
    base, new = pair.base, pair.new
    lines = [f"{label} is only in the base" for label in base.rows if label not in new.rows]
    lines += [f"{label} is only in the new one" for label in new.rows if label not in base.rows]
    for label in (label for label in base.rows if label in new.rows):
        ours, theirs = base.rows[label], new.rows[label]
        if ours.versions and theirs.versions and ours.versions != theirs.versions:
            lines.append(f"{label}: {upgrades(ours.versions, theirs.versions)}")
        if ours.device and theirs.device and ours.device != theirs.device:
            lines.append(f"{label} ran on {ours.device} and on {theirs.device}")
    if base.threads != new.threads:
        lines.append(f"threads: {base.threads} and {new.threads}")
    machines = [
        {k: v for k, v in side.summary.environment.items() if k not in _OF_THE_MOMENT}
        for side in pair[:2]
    ]
    if fields := differing_fields(*machines):
        lines.append(f"not the same machine or environment: {in_short(fields)}")
    return [*lines, *_of_speed(pair), *_of_each(pair)]


def _of_speed(pair: Pair) -> Iterator[str]:
    """Where what was measured of the machine itself differs, speeds may for that alone."""
    checks = [median(side.speed_checks) for side in pair[:2] if side.speed_checks]
    if len(checks) == 2 and max(checks) / min(checks) - 1 > _OTHER_SPEED:
        yield (
            f"one fixed matrix product took {seconds(checks[0])} in the base and"
            f" {seconds(checks[1])} in the new one: the machine's own speed was not the same,"
            " and no figure is corrected for it"
        )
    names = {"flops_per_second": "FLOP/s", "bytes_per_second": "B/s"}
    for name, unit in names.items():
        roofs = [roof for side in pair[:2] if (roof := side.summary.roofline.get(name))]
        if len(roofs) == 2 and max(roofs) / min(roofs) - 1 > 2 * _OTHER_SPEED:
            yield f"the machine was measured at {si(roofs[0], unit)} and at {si(roofs[1], unit)}"


def _of_each(pair: Pair) -> Iterator[str]:
    for name, side in (("base", pair.base), ("new", pair.new)):
        found = [] if pair.point else side.summary.notes  # a sweep's own report has them
        notes = [str(note) for note in found if note.grade != "record"]
        yield from (f"{name}: {note}" for note in [*side.problems, *notes])


def _of_noise(cells: Sequence[CellDiff]) -> Iterator[str]:
    for cell in cells:
        if cell.speed is None and {cell.base_status, cell.new_status} == {"ok"}:
            yield f"{cell.label} has too few timed windows to compare its speed: take more --steps"
    if any(cell.speed and cell.noise is None for cell in cells):
        yield (
            "no backend was held against itself: --control in both runs, and --rounds 5, tell how"
            " much of a difference is noise"
        )
