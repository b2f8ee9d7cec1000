"""Reports of explanations: a page, and what is printed."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from compare.records.explanations import Explained
from compare.records.place import write_whole
from compare.reporting.loading import load_reports


@runtime_checkable
class ExplainedFormat(Protocol):
    """A report format that also shows explanations."""

    explained_filename: str | None
    """Name of its file in the run folder; None for one that is printed."""

    def render_explained(self, explained: Explained) -> str: ...


def explained_words(explained: Explained) -> str:
    """What the formats print that have no file."""
    return "".join(one.render_explained(explained) for one in _able() if not one.explained_filename)


def explained_files(folder: Path, explained: Explained) -> list[Path]:
    """Write what has a file into a run's folder; raises UserError where that cannot be."""
    written = []
    for one in _able():
        if one.explained_filename:
            path = folder / one.explained_filename
            write_whole(path, one.render_explained(explained))
            written.append(path)
    return written


def _able() -> list[ExplainedFormat]:
    return [one for one in load_reports() if isinstance(one, ExplainedFormat)]
