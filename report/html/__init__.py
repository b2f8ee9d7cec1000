"""One self-contained page: answers, plots, tables and raw data, without any network.

The page is Jinja templates around Vega-Lite plots, which are pictures in it until the script that
it carries draws them in the reader's browser. Begin with `answers.py`, what the first screen says;
`run_plots.py` has the plots, `page.py` the frame.
"""

from typing import TYPE_CHECKING, Literal

from compare.archive.scaling import SweepSummary
from compare.findings.summary import Summary

from .. import groups, repeat
from .. import words as general
from ..table import legend
from . import cold_start, downloads, page, pairs, run_plots, stills, tables, words
from .across import figures as across_figures
from .across import render as across_page
from .answers import answers
from .figures import Figure, labels
from .history import render as history_page
from .samples import samples
from .sweep import figures as sweep_figures
from .sweep import render as sweep_page

if TYPE_CHECKING:
    from compare.archive.across import CrossTable
    from compare.archive.history import History
    from compare.records.explanations import Explained

_PORTRAIT_COLUMNS = 8  # of a table that an upright page of paper has room for


class HtmlReport:
    name = "html"
    filename = "report.html"
    explained_filename = "explain.html"
    by_default = True

    def render(self, summary: Summary) -> str:
        plots = run_plots.of_run(summary)
        found, matrix = tables.of_run(summary), pairs.matrix(summary)
        widths = [len(table.columns) for table in found if table]
        widths.append(1 + len(matrix.labels) if matrix else 0)
        return page.render(
            "run.html",
            title=words.heading(summary),
            figures=list(plots.values()),
            downloads=downloads.of_run(summary),
            series=labels(summary),
            bake=summary.progress is None,  # it takes time of the machine that is measured
            landscape=max(widths) > _PORTRAIT_COLUMNS,
            summary=summary,
            words=words,
            general=general,
            groups=groups,
            repeat=repeat,
            answers=answers(summary),
            verdicts=words.verdicts(summary),
            tables=found,
            pairs=matrix,
            examples=samples(summary),
            done_first=cold_start.sentences(summary),
            stride=downloads.stride(summary),
            legend=legend(summary),
        )

    def render_sweep(self, sweep: SweepSummary) -> str:
        return sweep_page(sweep)

    def render_history(self, history: "History") -> str:
        return history_page(history)

    def render_across(self, table: "CrossTable") -> str:
        return across_page(table)

    def render_explained(self, explained: "Explained") -> str:
        from .explain import render  # most runs are not explained

        return render(explained)

    def plots(
        self, reported: "Summary | SweepSummary | CrossTable", kind: Literal["png", "svg"]
    ) -> dict[str, bytes]:
        """Each plot of a page as a picture for a paper, by name: light, with a legend."""
        return {one.name: stills.picture(one, kind) for one in _figures(reported)}


def _figures(reported: "Summary | SweepSummary | CrossTable") -> list[Figure]:
    if isinstance(reported, Summary):
        return list(run_plots.of_run(reported).values())
    if isinstance(reported, SweepSummary):
        return sweep_figures(reported)
    return across_figures(reported)


report = HtmlReport()
