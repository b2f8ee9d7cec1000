"""What a report format and an exporter implement."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # a worker imports this module, and has no use for what these need
    from compare.archive.across import CrossTable
    from compare.archive.scaling import SweepSummary
    from compare.findings.summary import Summary
    from compare.records.record_types import AnyRecord


class ReportFormat(Protocol):
    """One way of writing a summary. One that draws can also have

        def plots(
            self, reported: Summary | SweepSummary | CrossTable, kind: Literal["png", "svg"]
        ) -> dict[str, bytes]

    each plot as a picture by its name, for `compare report --plots`, and

        def render_history(self, history: History) -> str

    for `compare history --format`; and what `AcrossFormat` has, for runs of different experiments.
    One that shows a picture, or leads to what lies beside it, can have

        def files(self, summary: Summary, folder: Path) -> dict[str, str | bytes]

    every file that it takes by its path in the folder, its own among them; one that is printed
    what `Shows` has (`showing.py`).
    """

    name: str
    filename: str | None
    """Name of the file in the run folder; None for a format that is printed on a terminal."""
    by_default: bool
    """Whether every run writes it; the others are made by `compare report --format`."""

    def render(self, summary: "Summary") -> str | bytes:
        """One run: the whole text, or the content of a binary file."""
        ...

    def render_sweep(self, sweep: "SweepSummary") -> str | bytes:
        """A run at each crossing of some settings' values."""
        ...


@runtime_checkable
class AcrossFormat(Protocol):
    """A report format that also writes a table across experiments."""

    def render_across(self, table: "CrossTable") -> str | bytes:
        """Experiments down, backends across; each cell has the `link` to its own report."""
        ...


class Exporter(Protocol):
    """One way of handing a run on to another tool, by `compare export RUN --to NAME`."""

    name: str

    def export(self, summary: "Summary", records: "Sequence[AnyRecord]", target: str) -> str:
        """Write a run to `target`, a folder or an address (empty: the tool's own default), and
        return where it went. Raises UserError where the tool's library is not installed, or
        cannot write there."""
        ...
