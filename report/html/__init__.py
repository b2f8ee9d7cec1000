"""One self-contained page: verdicts, plots, tables and raw data, without any network.

The page is Jinja templates around Vega-Lite plots, which are drawn in the reader's browser by a
script that the page carries; pictures of the same plots are drawn here.
"""

import shlex
from typing import TYPE_CHECKING, Literal

from compare.archive.scaling import SweepSummary
from compare.findings.summary import Summary

from .. import table
from .. import words as general
from ..table import cost_table, result_table
from . import curves, downloads, figures, page, theme, words
from .across import render as across_page
from .history import render as history_page
from .sweep import render as sweep_page

if TYPE_CHECKING:
    from compare.archive.across import CrossTable
    from compare.archive.history import History

_PICTURE_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_PIXELS_PER_INCH = 200


class HtmlReport:
    name = "html"
    filename = "report.html"
    by_default = True

    def render(self, summary: Summary) -> str:
        verdicts, more_verdicts = words.verdicts(summary)
        plots = figures.of_run(summary)
        return page.render(
            "run.html",
            title=words.heading(summary),
            figures=list(plots.values()),
            downloads=downloads.of_run(summary),
            series=figures.labels(summary),
            summary=summary,
            words=words,
            general=general,
            tables=table,
            verdicts=verdicts,
            more_verdicts=more_verdicts,
            results=result_table(summary),
            costs=cost_table(summary),
            stride=downloads.stride(summary),
            repeat=shlex.join(summary.command),
        )

    def render_sweep(self, sweep: SweepSummary) -> str:
        return sweep_page(sweep)

    def render_history(self, history: "History") -> str:
        return history_page(history)

    def render_across(self, table: "CrossTable") -> str:
        return across_page(table)

    def plots(self, summary: Summary, kind: Literal["png", "svg"]) -> dict[str, bytes]:
        """Each plot as a picture for a paper, by name: light, with a legend."""
        return {
            name: _picture(figures.still(figure), kind)
            for name, figure in figures.of_run(summary).items()
        }


def _picture(spec: curves.Spec, kind: Literal["png", "svg"]) -> bytes:
    import vl_convert  # its library is large, and pages can do without

    colours = theme.LIGHT
    config = {**theme.config(colours.__getitem__, _PICTURE_FONT), "background": colours["paper"]}
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, config=config).encode()
    return vl_convert.vegalite_to_png(spec, config=config, ppi=_PIXELS_PER_INCH)


report = HtmlReport()
