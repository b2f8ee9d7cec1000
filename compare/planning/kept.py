"""The cells of a run whose final weights were kept, as they are asked for once more."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

from pydantic import ValidationError

from compare.errors import UserError, unknown
from compare.planning.choice import Choice
from compare.planning.selection import choose_cells
from compare.planning.spelling import adapter_and_mode, is_meant
from compare.plugins import is_file
from compare.records.record_types import Header, header_of
from compare.records.run_folder import RECORDS, RunFolder
from compare.records.sweep_folder import SweepFolder, is_sweep
from compare.records.values import CellName
from compare.spec.arrays import Array
from compare.spec.inputs import read_arrays


def header_of_run(folder: RunFolder) -> Header:
    """The header of a run's folder; raises UserError where that is none, or cannot be read."""
    if not folder.path.is_dir():
        raise UserError(f"'{folder.path}' is no folder: give one of `compare history`")
    if is_sweep(folder.path):
        raise UserError(f"'{folder.path}' is a sweep: give one of its points{_first(folder.path)}")
    if not (folder.path / RECORDS).is_file():
        raise UserError(f"'{folder.path}' is no run folder: it has no {RECORDS}")
    try:
        return header_of(folder.records())
    except StopIteration:
        why = "its records are empty: play it again, or take another run"
        raise UserError(f"'{folder.path}' cannot be read: {why}") from None
    except ValidationError:
        raise UserError(f"'{folder.path}' cannot be read: another version wrote it") from None


def _first(sweep: Path) -> str:
    points = SweepFolder(sweep).sweep().points
    return f", such as '{sweep / points[0].name}'" if points else ""


def kept_choices(
    folder: RunFolder, header: Header, wanted: Sequence[str], pythons: Mapping[str, str]
) -> list[Choice]:
    """The cells with weights that these texts name, of all where there are none, in the run's
    order; a name without a mode means the first that the run has of it. Raises UserError for what
    is not there."""
    kept = [c for c in header.cells if c.ranks == 1 and folder.weights(c).is_file()]
    if not kept and all(cell.ranks > 1 for cell in header.cells):
        raise UserError(f"'{folder.path}' has rows of several ranks alone: run with --ranks 1,2")
    if not kept:
        raise UserError(f"'{folder.path}' has no weights: run with --save-weights")
    spelled = [f"{_adapter_of_run(header, cell.backend)}:{cell.mode}" for cell in kept]
    if not wanted:
        return choose_cells(spelled, pythons)
    chosen = []
    for text in wanted:
        adapter, mode = adapter_and_mode(text)
        for cell, its in zip(kept, spelled, strict=True):
            if is_meant(cell.backend, adapter) and mode in ("", cell.mode):
                chosen.append(f"{adapter}:{cell.mode}" if is_file(adapter) else its)
                break
        else:
            raise unknown("backend", text, [c.label for c in kept], where=f"'{folder.path}'")
    return choose_cells(chosen, pythons)


def kept_weights(folder: RunFolder, cell: CellName) -> dict[str, Array]:
    """The final weights of a cell by canonical name; raises UserError where they cannot be read."""
    path = folder.weights(cell)
    try:
        return read_arrays(path)
    except (OSError, ValueError, EOFError, BadZipFile):
        raise UserError(
            f"'{path}' cannot be read, or not whole: run again with --save-weights"
        ) from None


def _adapter_of_run(header: Header, backend: str) -> str:
    """The file that the run had its backend of this name from, or else the name."""
    asked = header.request.backends if header.request else []
    files = [adapter for adapter, _ in map(adapter_and_mode, asked) if is_meant(backend, adapter)]
    return files[0] if files else backend
