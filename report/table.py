"""The tables that reports show, and the legend of their columns."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compare.archive.scaling import SweepSummary
from compare.errors import unknown
from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING, estimate
from compare.findings.summary import Summary

from .column import MORE_QUALITY, Column, Row, filled, rows_of
from .columns import BACKEND, against, every_result, results
from .cost_columns import THREADS, costs


class Table(NamedTuple):
    """Rows of texts; the first `left` columns are words, the others figures."""

    columns: list[str]
    rows: list[list[str]]
    left: int


def result_table(summary: Summary) -> Table:
    """Speed, quality, memory and losses, with intervals: one row per backend and mode."""
    columns = [column for column in results([summary]) if column.title != against()]
    return table_of(columns, ordered_rows(summary), left=2)


def glance_table(summary: Summary, baseline: str = "") -> Table:
    """The few columns that answer: how fast, against the fastest, how well, at what cost."""
    columns = [c for c in results([summary], baseline) if c.rank <= MORE_QUALITY]
    return table_of(columns, ordered_rows(summary), left=1, short=True)


def ordered(summary: Summary) -> list[CellSummary]:
    """The fastest first, by the rates that the table shows; as they were given where no pair can
    be judged. Those that have no ratio come behind, what went wrong last."""
    judged = any(one.verdict != "not judged" for one in summary.comparisons)

    def place(cell: CellSummary) -> tuple[bool, float]:
        ratio = cell.ratio_to_fastest if judged else None
        return cell.status != "ok", -ratio.value if ratio else 0.0

    return sorted(summary.cells, key=place)


def ordered_rows(summary: Summary) -> list[Row]:
    return [Row(summary, cell) for cell in ordered(summary)]


def cost_table(summary: Summary) -> Table | None:
    """Where the time went and what it took of the machine, of all cells that were timed."""
    timed = [row for row in ordered_rows(summary) if row.cell.step_seconds]
    return table_of(cost_columns(timed), timed, left=1) if timed else None


def cost_columns(rows: Sequence[Row]) -> list[Column]:
    """Those of the second table that tell anything of these rows."""
    return filled(costs(), rows)


def offered(summaries: Sequence[Summary], baseline: str = "") -> list[Column]:
    """What a reader can choose from, of results and of costs, in which any row has a figure."""
    return _each_once([*results(summaries, baseline), *cost_columns(rows_of(summaries))])


def chosen(
    names: Sequence[str], metrics: Sequence[str], target: str, baseline: str = ""
) -> list[Column]:
    """The columns of these titles, whether or not any row has a figure in them, behind the one of
    the backends. Raises UserError for a name that is none, with the nearest titles."""
    columns = _each_once([*every_result(metrics, target, baseline=baseline), *costs()])
    known = {_plain(column.title): column for column in columns}
    for name in names:
        if _plain(name) not in known:
            raise unknown("column", name, [column.title for column in columns], "--columns")
    return _each_once([known[BACKEND], *(known[_plain(name)] for name in names)])


def legend(summary: Summary, columns: Sequence[Column] | None = None) -> list[str]:
    """What columns mean, by default those of `result_table` and of `cost_table`, that do not say it
    themselves; columns of one meaning share a line."""
    lines: dict[str, list[str]] = {}
    for column in columns or [c for c in offered([summary]) if c.title != against()]:
        lines.setdefault(column.meaning, []).append(column.title)
    lines.pop("", None)
    marked = ["?: measured, and not to be relied on: see the notes"]
    doubted = any(cell.doubt for cell in summary.cells)
    explained = [f"{', '.join(titles)}: {meaning}" for meaning, titles in lines.items()]
    return [*(marked if doubted else []), *explained]


def sweep_legend(sweep: SweepSummary) -> list[str]:
    """The same of a sweep's tables, but for what those of each point have."""
    lines = []
    if sweep.scaling:
        lines += ["exponent: cost grows as size to its power, with a 95% interval over the points"]
    if sweep.seeds:
        lines.append(
            "mean: over seeds, with a 95% interval of them; SD: of one seed; over examples: half of"
            " the 95% interval that the validation examples of one training leave"
        )
    if "run.threads" in sweep.axes:
        lines += [f"{column.title}: {column.meaning}" for column in THREADS]
    return lines


def sweep_table(sweep: SweepSummary, points: int | None = None) -> Table:
    """The rows of every point, or of the first ones, its values of the swept fields before them."""
    return swept(sweep, sweep_columns(sweep), points)


def sweep_columns(sweep: SweepSummary) -> list[Column]:
    """Those of the table of a sweep, behind its fields."""
    found = results([point.summary for point in sweep.points if point.summary])
    threads = THREADS[::-1] if "run.threads" in sweep.axes else ()
    return [*(column for column in found if column.title != against()), *threads]


def swept(sweep: SweepSummary, columns: Sequence[Column], points: int | None) -> Table:
    """A table of these columns, of every point or of the first ones."""
    played = [point.summary for point in sweep.points[:points] if point.summary]
    texts = iter(table_of(columns, rows_of(played), 0).rows)
    not_played = [NOTHING, "not played", *[NOTHING] * (len(columns) - 2)]
    rows = []
    for point in sweep.points[:points]:
        values = [str(point.values[field]) for field in sweep.axes]
        count = len(point.summary.cells) if point.summary else 0
        rows += [values + row for row in [next(texts) for _ in range(count)] or [not_played]]
    return Table([*sweep.axes, *(c.title for c in columns)], rows, left=len(sweep.axes) + 2)


def scaling_table(sweep: SweepSummary) -> Table | None:
    """The fitted exponents: cost grows as size to the power of it."""
    rows = [
        [
            f"{one.backend}:{one.mode}",
            one.field,
            {"step_seconds": "step", "peak_memory_bytes": "peak memory"}[one.quantity],
            estimate(one.exponent, "{:.2f}"),
            str(one.points),
        ]
        for one in sweep.scaling
    ]
    titles = ["backend", "field", "cost", "exponent", "points"]
    return Table(titles, rows, left=3) if rows else None


def seeds_table(sweep: SweepSummary) -> Table | None:
    """How far seeds move each figure, beside what the examples of one training leave open."""
    rows = [
        [
            " ".join([one.label, *(f"{field}={value}" for field, value in one.others.items())]),
            one.figure,
            str(one.seeds),
            estimate(one.mean, "{:.4g}"),
            f"{one.deviation:.2g}",
            f"{one.lowest:.4g} to {one.highest:.4g}",
            NOTHING if one.over_examples is None else f"±{one.over_examples:.2g}",
        ]
        for one in sweep.seeds
    ]
    titles = ["backend", "figure", "seeds", "mean", "SD", "range", "over examples"]
    return Table(titles, rows, left=2) if rows else None


def table_of(
    columns: Sequence[Column], rows: Sequence[Row], left: int, short: bool = False
) -> Table:
    """The texts of these rows, short ones where a column has them."""
    texts = [((short and column.short) or column.texts)(rows) for column in columns]
    by_row = [list(row) for row in zip(*texts, strict=True)]
    return Table([column.title for column in columns], by_row, left)


def _each_once(columns: Iterable[Column]) -> list[Column]:
    return list({column.title: column for column in columns}.values())


def _plain(title: str) -> str:
    """As it may be written on a command line: "peak-mem" for "peak mem"."""
    return " ".join(title.lower().replace("-", " ").replace("_", " ").replace(".", " ").split())
