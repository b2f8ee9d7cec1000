"""Where the report of a run is, for a page that leads there."""

import os
from pathlib import Path
from urllib.parse import quote

from compare.reporting.loading import load_reports

_PAGES = (".html", ".md")  # what a browser shows, the best first


def address_of_report(run: str, base: Path | None = None) -> str:
    """The address of a run's report, as a URL: relative to the folder `base`, in which the page
    will lie, or absolute; of the run's folder where it has no report."""
    folder = Path(run)
    names = [one.filename for one in load_reports() if one.filename]
    pages = [folder / name for end in _PAGES for name in names if name.endswith(end)]
    path = next((page for page in pages if page.exists()), folder).resolve()
    if base is None:
        return path.as_uri()
    return quote(Path(os.path.relpath(path, base.resolve())).as_posix())
