"""The page of a table across experiments: who is ahead over all, how far in each, and a table for
each figure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from compare.findings.number_text import estimate

from .. import csv, repeat
from ..across import blocks
from . import bars, page
from .figures import Figure, listed

if TYPE_CHECKING:
    from compare.archive.across import CrossCell, CrossTable

_TITLES = {"parity_failed": "parity failed", "missing": "not run"}


def render(table: "CrossTable") -> str:
    return page.render(
        "across.html",
        title=f"{len(table.rows)} experiments, {len(table.columns)} backends",
        figures=figures(table),
        downloads={"summary.csv": csv.report.render_across(table)},
        series=table.columns,
        landscape=True,
        lede=blocks.place(table),
        software=blocks.software(table),
        columns=[(label, blocks.lines_of_label(label)) for label in table.columns],
        blocks=blocks.blocks(table),
        verdict=blocks.verdict(table),
        sentences=blocks.sentences(table),
        legend=blocks.legend(table),
        commands=[(row.experiment, repeat.without_the_author(row.command)) for row in table.rows],
    )


def figures(table: "CrossTable") -> list[Figure]:
    """How far each backend is from the fastest, where there are any to compare."""
    figure = _ratios(table)
    return [figure] if figure else []


def _ratios(table: "CrossTable") -> Figure | None:
    rows = [*_measured(table), *_means(table)]
    if len(table.columns) < 2 or not any(row["value"] for row in rows):
        return None
    means = [f"{label} {mean:.3f}" for label, mean in table.means.items()]
    doubted = any("?" in row["text"] for row in rows)
    return Figure(
        "ratios",
        bars.grouped(rows, table.columns, "x of the fastest"),
        "How much of the rate of the fastest each backend reaches, in every experiment, with 95%"
        " intervals." + (" What could not be judged is marked ?." if doubted else ""),
        f"Geometric mean of the ratios to the fastest: {listed(means)}."
        if means
        else f"Ratios to the fastest of {listed(table.columns)}, as in the table below.",
        table.columns,
    )


def _measured(table: "CrossTable") -> Iterator[dict[str, Any]]:
    for row in table.rows:
        for label in table.columns:
            cell = row.cells[label]
            ratio = cell.of_fastest if cell.status == "ok" else None
            yield {
                "row": row.experiment,
                "series": label,
                "value": ratio.value if ratio else None,
                "low": ratio.low if ratio else None,
                "high": ratio.high if ratio else None,
                "text": _text(cell),
                "whole": estimate(ratio, "{:.3f}") if ratio else _text(cell),
                "rate": estimate(cell.tokens_per_second, "{:,.0f}"),
            }


def _text(cell: "CrossCell") -> str:
    if cell.status != "ok":
        return _TITLES.get(cell.status, cell.status)
    if cell.of_fastest is None:
        return "not paired"
    tied = f"{blocks.TIE} " if cell.tied else ""
    return f"{tied}{cell.of_fastest.value:.3f}{'' if cell.judged else f' {blocks.DOUBT}'}"


def _means(table: "CrossTable") -> Iterator[dict[str, Any]]:
    name = f"geometric mean of {len(table.mean_rows)}"
    for label, mean in table.means.items():
        text = f"{mean:.3f}"
        yield {
            "row": name, "series": label, "value": mean, "low": None, "high": None,
            "text": text, "whole": text, "rate": "",
        }  # fmt: skip
