"""What the table across experiments says: a block of rows for each figure, and its words."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from compare.archive.across import CrossCell, CrossTable, Lead
from compare.errors import unknown
from compare.findings.number_text import NOTHING, estimate, memory, with_half
from compare.records.values import Estimate

from .. import forms

_STATUS = {"missing": "not run", "parity_failed": "parity failed"}
TIE = "≈"
DOUBT = "?"
FIGURES = ("x of the fastest", "tokens/s", "peak memory", "device peak", "quality")
_Text = Callable[[CrossCell], str]


class Cell(NamedTuple):
    """A text and the address of the report that it comes from. `best`: of the fastest of its row,
    or the best mean; `bad`: it went wrong."""

    text: str
    link: str = ""
    best: bool = False
    bad: bool = False


class Row(NamedTuple):
    """`is_mean`: over the rows above it."""

    name: str
    cells: list[Cell]
    is_mean: bool = False


class Block(NamedTuple):
    """One figure of every experiment and backend."""

    title: str
    rows: list[Row]


def title(table: CrossTable) -> str:
    return f"{_count(len(table.rows), 'experiment')}, {place(table)}"


def place(table: CrossTable) -> str:
    """Where and when they were played."""
    days = sorted({row.started[:10] for row in table.rows})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{table.machine}, {when}"


def software(table: CrossTable) -> list[str]:
    """What was compared, with its versions, in one line."""
    return [", ".join(f"{name} {version}" for name, version in table.versions.items())]


def figures(names: Sequence[str]) -> list[str]:
    """Those of these names, as a reader would type them ("peak-mem"), in this order; all where
    none is named. Raises UserError for a name that is none, with the nearest."""
    plain = {title.replace(" ", "-"): title for title in FIGURES}
    found = []
    for name in names:
        typed = name.strip().lower().replace(" ", "-").replace("_", "-")
        begun = [title for known, title in plain.items() if known.startswith(typed)]
        if len(begun) != 1:
            raise unknown("figure", name, FIGURES, "--columns of a table across experiments")
        found += begun
    return list(dict.fromkeys(found)) or list(FIGURES)


def blocks(table: CrossTable, chosen: Sequence[str] = FIGURES) -> list[Block]:
    """The ratios with their means, the rates, memory, and the tasks' quality, or those of these
    titles."""
    quality = _rows(table, lambda cell: _score(cell.quality))
    named = [
        row._replace(name=f"{row.name}: {one.metric}")
        for row, one in zip(quality, table.rows, strict=True)
    ]
    found = {
        "x of the fastest": [*_rows(table, _ratio, _is_fastest), *_means(table)],
        "tokens/s": _rows(table, _rate, _is_fastest),
        "peak memory": _rows(table, lambda cell: memory(cell.peak_memory_bytes)),
        "device peak": _rows(table, lambda cell: memory(cell.device_peak_memory_bytes)),
        "quality": named,
    }
    if len(table.columns) == 1:  # which is the fastest of its row
        del found["x of the fastest"]
    shown = [Block(title, found[title]) for title in chosen if title in found]
    return [block for block in shown if _is_filled(block)]


def verdict(table: CrossTable) -> list[str]:
    """Who is ahead over all rows that can be held against each other, or why nobody is."""
    if not table.leads:
        return ["no geometric mean: no two rows were judged for the same two backends"]
    rows = table.mean_rows
    which = "all" if len(rows) == len(table.rows) else ", ".join(rows)
    over = f"by the geometric mean over {_count(len(rows), 'row')} ({which})"
    first = table.columns[0]
    ahead = [f"{_times(one)} {one.second}" for one in table.leads if one.verdict == "faster"]
    ties = [one.second for one in table.leads if one.verdict != "faster"]
    lines = [f"{first} is ahead {over}: {', '.join(ahead)}"] if ahead else []
    if ties:
        tied = f"{first} and {', '.join(ties)} are not separated"
        lines.append(tied if ahead else f"{tied} {over}")
    return lines


def sentences(table: CrossTable) -> list[str]:
    """Who is fastest where, what is not in the mean, what went wrong or was not judged, notes."""
    return [*_fastest(table), *_not_in_mean(table), *_troubles(table), *table.notes]


def legend(table: CrossTable) -> list[str]:
    lines = [
        "x of the fastest: the rate over that of the fastest in the same run, paired",
    ]
    if table.means:
        lines.append(
            "geometric mean: over the rows that all backends with a figure here were judged in;"
            " of other experiments it says nothing"
        )
    cells = [cell for row in table.rows for cell in row.cells.values()]
    if any(cell.tied for cell in cells):
        lines.append(f"{TIE}: not separated from the fastest of its row")
    if any(_is_doubted(cell) for cell in cells):
        lines.append(f"{DOUBT}: measured, and not judged")
    if any(cell.status == "missing" for cell in cells):
        lines.append("not run: the row's run did not have this backend")
    return [*lines, "±: half of a 95% interval"]


def _rows(
    table: CrossTable, text: _Text, best: Callable[[CrossCell], bool] = lambda cell: False
) -> list[Row]:
    return [
        Row(row.experiment, [_shown(row.cells[label], text, best) for label in table.columns])
        for row in table.rows
    ]


def _shown(cell: CrossCell, text: _Text, best: Callable[[CrossCell], bool]) -> Cell:
    if cell.status == "ok":
        return Cell(text(cell), cell.link, best=best(cell))
    bad = cell.status not in ("missing", "skipped")
    return Cell(_STATUS.get(cell.status, cell.status), cell.link, bad=bad)


def _is_fastest(cell: CrossCell) -> bool:
    ratio = cell.of_fastest
    return cell.judged and ratio is not None and ratio.value == 1.0


def _ratio(cell: CrossCell) -> str:
    if cell.of_fastest is None:
        return NOTHING if cell.tokens_per_second is None else "not paired"
    return _doubted(cell, f"{TIE if cell.tied else ''}{cell.of_fastest.value:.3f}")


def _rate(cell: CrossCell) -> str:
    if cell.tokens_per_second is None:
        return "not timed"
    return _doubted(cell, with_half(cell.tokens_per_second, "{:,.0f}"))


def _doubted(cell: CrossCell, text: str) -> str:
    return f"{text} {DOUBT}" if _is_doubted(cell) else text


def _is_doubted(cell: CrossCell) -> bool:
    return cell.status == "ok" and cell.tokens_per_second is not None and not cell.judged


def _score(quality: Estimate | None) -> str:
    """In the form that the run's own table has, but for large perplexities: "95.00", "3,070"."""
    if quality is None:
        return NOTHING
    return f"{quality.value:,.0f}" if quality.value >= 1000 else forms.scores([quality.value])[0]


def _means(table: CrossTable) -> Iterator[Row]:
    if table.means:
        best = max(table.means.values())
        means = [table.means.get(label) for label in table.columns]
        cells = [Cell(NOTHING if m is None else f"{m:.3f}", best=m == best) for m in means]
        yield Row(f"geometric mean of {len(table.mean_rows)}", cells, is_mean=True)


def _is_filled(block: Block) -> bool:
    """Whether it has a figure in any row."""
    return any(any(mark.isdigit() for mark in c.text) for row in block.rows for c in row.cells)


def _times(lead: Lead) -> str:
    return f"{estimate(lead.ratio, '{:.2f}')} times as fast as"


def _fastest(table: CrossTable) -> Iterator[str]:
    """How many rows each backend is the fastest of, ties told."""
    won: dict[str, list[str]] = {}
    for row in table.rows:
        fastest = [label for label in table.columns if _is_fastest(row.cells[label])]
        for label in fastest:
            ties = any(cell.tied and cell.counts for cell in row.cells.values())
            won.setdefault(label, []).append(f"{row.experiment}{' (tied)' if ties else ''}")
    for label, rows in won.items():
        yield f"{label} is fastest in {', '.join(rows)}"


def _not_in_mean(table: CrossTable) -> Iterator[str]:
    if not table.means:
        return
    rows = [row.experiment for row in table.rows if row.experiment not in table.mean_rows]
    labels = [label for label in table.columns if label not in table.means]
    if rows:
        yield f"not in the mean, since not every backend was judged there: {'; '.join(rows)}"
    if labels:
        yield f"not in the mean, being in too few rows: {', '.join(labels)}"


def _troubles(table: CrossTable) -> Iterator[str]:
    """What went wrong or was not judged in each row: one line for one reason."""
    for row in table.rows:
        found: dict[tuple[str, str], list[str]] = {}
        for label, cell in row.cells.items():
            told = cell.status == "ok" and bool(row.notes)  # as a note, with the remedy
            if cell.why and cell.status != "missing" and not told:
                ended = _STATUS.get(cell.status, cell.status)
                what = "not judged" if cell.status == "ok" else ended
                found.setdefault((what, cell.why), []).append(label)
        for (what, why), labels in found.items():
            yield f"{row.experiment}: {', '.join(labels)} {what}: {why}"
        yield from (f"{row.experiment}: {note}" for note in row.notes)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def lines_of_label(label: str) -> Sequence[str]:
    """A column's heading over two lines: the backend and its mode."""
    backend, _, mode = label.rpartition(":")
    return [backend, mode] if backend else [label]
