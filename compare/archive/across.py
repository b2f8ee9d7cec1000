"""Runs of different experiments in one table: experiments down, backends across.

In a row each rate is held against the fastest of that row, by the ratio that the row's own run
gives. Below stands the geometric mean of these over the rows in which all compared backends were
judged: of no other mean is the ratio of two backends that of their own ratios, whoever is fastest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from compare.archive.experiments import machine, names, other_versions
from compare.archive.tidy import TidyRow, with_ends
from compare.findings.cell_summary import CellSummary
from compare.findings.summary import Summary
from compare.records.record_types import Status
from compare.records.values import Estimate, parts_of_label
from compare.stats.intervals import Interval, geometric_mean

_OF_CELL = ("backend", "mode", "ranks")
_WITH_ENDS = ("tokens_per_second", "of_fastest", "quality")
_LEAST_ROWS = 2  # of one row the mean is that row


class CrossCell(BaseModel):
    """One backend on one experiment; of one that no run had, all but the status is null.

    `of_fastest` is null too where it was not timed together with the fastest of its row. `judged`:
    the rate and the ratio can be relied on; `tied`: it is not separated from the fastest. `why` is
    the reason where it did not go well or was not judged. `run` is the folder of its run.
    """

    model_config = ConfigDict(ser_json_inf_nan="null")

    status: Status | Literal["missing"]
    why: str = ""
    judged: bool = False
    tied: bool = False
    tokens_per_second: Estimate | None = None
    of_fastest: Estimate | None = None
    peak_memory_bytes: int | None = None
    device_peak_memory_bytes: int | None = None
    quality: Estimate | None = None
    run: str = ""
    link: str = Field(default="", exclude=True, description="where its report is, for a page")

    @property
    def counts(self) -> bool:
        """Whether it has a ratio that can be relied on."""
        return self.judged and self.of_fastest is not None


class CrossRow(BaseModel):
    """One experiment: `cells` by the columns' labels, `metric` names what `quality` is; `notes` are
    those of its run that break a verdict, `command` is what played it."""

    experiment: str
    run_id: str
    started: str
    task: str
    preset: str
    fingerprint: str
    metric: str
    cells: dict[str, CrossCell]
    notes: list[str]
    command: list[str]


class Lead(BaseModel):
    """The backend of the best mean against another one: the geometric mean of the ratios of their
    rates over `mean_rows`, with an interval of what was measured, adjusted as in each row."""

    first: str
    second: str
    ratio: Estimate
    verdict: Literal["faster", "not separated"]


class CrossTable(BaseModel):
    """`columns` are labels, the best mean first. `versions` has Python's and the libraries', of
    the first row that has it: a note says where they differ. `means` has the geometric mean of
    `of_fastest` of each backend that is compared over several rows, `mean_rows` which experiments
    these are, `leads` the first of these backends against each other one; empty where there is no
    mean."""

    machine: str
    versions: dict[str, str]
    columns: list[str]
    rows: list[CrossRow]
    means: dict[str, float]
    mean_rows: list[str]
    leads: list[Lead]
    notes: list[str]

    def linked(self, link: Callable[[str], str]) -> "CrossTable":
        """With the links of its cells, of each run's folder as it is in `run`."""
        copy = self.model_copy(deep=True)
        for row in copy.rows:
            for cell in row.cells.values():
                cell.link = link(cell.run) if cell.run else ""
        return copy


def tidy(table: CrossTable) -> list[TidyRow]:
    """A row for each experiment and backend, of plain numbers in tokens/s and bytes, and words."""
    of_row = {"run_id", "started", "task", "preset", "experiment", "metric"}
    rows = list[TidyRow]()
    for row in table.rows:
        for label, cell in row.cells.items():
            of_cell = dict(zip(_OF_CELL, parts_of_label(label), strict=True))
            rows.append({**row.model_dump(include=of_row), **of_cell})
            for figure in CrossCell.model_fields:
                value = getattr(cell, figure)
                if figure in _WITH_ENDS:
                    rows[-1] |= with_ends(figure, value)
                elif figure != "link":
                    rows[-1][figure] = value
    return rows


class Played(NamedTuple):
    """A run, or several of one experiment as one; `runs` has the folder of each cell, by label."""

    summary: Summary
    runs: Mapping[str, str]


def across(
    played: Sequence[Played], notes: Sequence[str] = (), called: Sequence[str] = ()
) -> CrossTable:
    """The table of runs of different experiments, which `conflict` finds nothing against; `called`
    are names for them, made of what tells them apart by default."""
    summaries = [one.summary for one in played]
    labels = list(dict.fromkeys(cell.label for one in summaries for cell in one.cells))
    named = called or names(summaries)
    rows = [_row(name, one, labels) for name, one in zip(named, played, strict=True)]
    compared, common = _compared(rows, labels)
    means = {
        label: geometric_mean([_of_fastest(rows[i].cells[label]) for i in common]).value
        for label in compared
    }
    columns = sorted(labels, key=lambda label: -means.get(label, 0.0))
    return CrossTable(
        machine=machine(summaries[0]),
        versions=_versions(summaries),
        columns=columns,
        rows=rows,
        means={label: means[label] for label in columns if label in means},
        mean_rows=[rows[i].experiment for i in common],
        leads=_leads([summaries[i] for i in common], [c for c in columns if c in means]),
        notes=[*notes, *other_versions([row.experiment for row in rows], summaries)],
    )


def _row(name: str, played: Played, labels: Sequence[str]) -> CrossRow:
    summary = played.summary
    metric = summary.metrics[0] if summary.metrics else "perplexity"
    cells = {cell.label: _cell(cell, summary, metric) for cell in summary.cells}
    for label, cell in cells.items():
        cell.run = played.runs.get(label, "")
    missing = CrossCell(status="missing", why="not in this run")
    return CrossRow(
        experiment=name,
        run_id=summary.run_id,
        started=summary.environment["started"],
        task=summary.experiment["task"],
        preset=summary.preset,
        fingerprint=summary.fingerprint,
        metric=metric,
        cells={label: cells.get(label, missing) for label in labels},
        notes=[str(note) for note in summary.notes if note.grade == "breaks"],
        command=summary.command,
    )


def _versions(summaries: Sequence[Summary]) -> dict[str, str]:
    """By library, that of the first run that has it; the suite's and Python's before them."""
    first = summaries[0].environment
    own = {"framework-compare": first.get("suite_version"), "Python": first.get("python")}
    found = {name: str(version) for name, version in own.items() if version}
    for summary in summaries:
        found = {**summary.environment.get("versions", {}), **found}
    return {name: found[name] for name in sorted(found, key=lambda name: (name not in own, name))}


def _cell(cell: CellSummary, summary: Summary, metric: str) -> CrossCell:
    why, tied = _doubt(cell, summary)
    quality = cell.quality.get(metric)
    if quality is None and metric == "perplexity" and cell.perplexity is not None:
        quality = Estimate(value=cell.perplexity, low=None, high=None)
    return CrossCell(
        status=cell.status,
        why=cell.reason or why,
        judged=cell.status == "ok" and cell.tokens_per_second is not None and not why,
        tied=tied,
        tokens_per_second=cell.tokens_per_second,
        of_fastest=cell.ratio_to_fastest,
        peak_memory_bytes=cell.peak_memory_bytes,
        device_peak_memory_bytes=cell.device_peak_memory_bytes,
        quality=quality,
    )


def _doubt(cell: CellSummary, summary: Summary) -> tuple[str, bool]:
    """Why a cell is not judged against the fastest, empty where it is; and whether they tie."""
    fastest = next((c.label for c in summary.cells if _is_fastest(c)), "")
    pairs = [one for one in summary.comparisons if cell.label in (one.first, one.second)]
    if cell.label != fastest:
        pairs = [one for one in pairs if fastest in (one.first, one.second)]
    whys = [one.why for one in pairs if one.verdict == "not judged"]
    tied = cell.label != fastest and any(one.verdict == "not separated" for one in pairs)
    unjudged = whys[0] if whys and len(whys) == len(pairs) else ""
    return cell.doubt or unjudged, tied


def _is_fastest(cell: CellSummary) -> bool:
    return cell.ratio_to_fastest is not None and cell.ratio_to_fastest.value == 1.0


def _compared(rows: Sequence[CrossRow], labels: Sequence[str]) -> tuple[list[str], list[int]]:
    """The backends that are compared over several rows, and which rows all of them have.

    Every backend that was judged anywhere; where that leaves too few rows, those that have the
    fewest are left out one by one.
    """
    have = {label: {i for i, row in enumerate(rows) if row.cells[label].counts} for label in labels}
    compared = [label for label in labels if have[label]]
    while len(compared) > 1:
        common = set.intersection(*(have[label] for label in compared))
        if len(common) >= _LEAST_ROWS:
            return compared, sorted(common)
        fewest = min(len(have[label]) for label in compared)
        compared.remove([label for label in compared if len(have[label]) == fewest][-1])
    return [], []


def _of_fastest(cell: CrossCell) -> Interval:
    assert cell.of_fastest is not None
    return cell.of_fastest.interval()


def _leads(summaries: Sequence[Summary], columns: Sequence[str]) -> list[Lead]:
    found = []
    for other in columns[1:]:
        pairs = [_pair(summary, columns[0], other) for summary in summaries]
        ratio = geometric_mean([ratio for ratio, _ in pairs])
        noise = max((noise for _, noise in pairs if noise is not None), default=0.0)
        apart = ratio.low is not None and ratio.low > 1 + noise
        found.append(
            Lead(
                first=columns[0],
                second=other,
                ratio=Estimate.of(ratio),
                verdict="faster" if apart else "not separated",
            )
        )
    return found


def _pair(summary: Summary, first: str, second: str) -> tuple[Interval, float | None]:
    """The ratio of two rates in a run, with what either showed against itself; without ends where
    the two played nothing together."""
    for one in summary.comparisons:
        if (one.first, one.second) == (first, second):
            return one.ratio.interval(), one.noise
        if (one.second, one.first) == (first, second):
            value, low, high = one.ratio.interval()
            ends = (1 / high if high else None, 1 / low if low else None)
            return Interval(1 / value, *ends), one.noise
    to_fastest = {cell.label: cell.ratio_to_fastest for cell in summary.cells}
    ours, theirs = to_fastest[first], to_fastest[second]
    assert ours is not None
    assert theirs is not None
    return Interval(ours.value / theirs.value, None, None), None
