"""The page of a table across experiments: who is ahead over all, and a table for each figure."""

from typing import TYPE_CHECKING

from ..across.blocks import blocks, legend, lines_of_label, place, sentences, verdict
from . import page

if TYPE_CHECKING:
    from compare.archive.across import CrossTable


def render(table: "CrossTable") -> str:
    return page.render(
        "across.html",
        title=f"{len(table.rows)} experiments, {len(table.columns)} backends",
        figures=[],
        downloads={},
        series=[],
        lede=place(table),
        columns=[lines_of_label(label) for label in table.columns],
        blocks=blocks(table),
        verdict=verdict(table),
        sentences=sentences(table),
        legend=legend(table),
    )
