"""The few pages of `compare serve` that no report format writes, and the frame around those."""

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from compare.archive.brief import RunFigures
from compare.findings.number_text import estimate

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 90rem; margin: 0 auto; padding: 2rem 1.25rem; }
h1 { font-size: 1.75rem; font-weight: 650; margin: 0 0 0.4rem; overflow-wrap: anywhere; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.35rem 1.25rem 0.35rem 0; }
th, td { vertical-align: top; white-space: nowrap; }
th { font-weight: 400; opacity: 0.75; }
td:nth-child(5) { white-space: normal; min-width: 12rem; }
tr { border-bottom: 1px solid #8884; }
pre { overflow-x: auto; }
"""
_NAV_STYLE = "font: 14px/1.5 system-ui, sans-serif; padding: 0.5rem 1rem"
_SECONDS_BETWEEN_LOOKS = 5  # to draw a page anew takes time of a run on the same machine
_SCRIPT = f"""
setInterval(async () => {{
  try {{
    const answer = await fetch("version");
    const live = document.getElementById("live");
    if (!answer.ok || (await answer.text()).trim() === live.dataset.version) return;
    if (!window.redraw) return location.reload();
    const page = new DOMParser().parseFromString(await (await fetch("")).text(), "text/html");
    live.dataset.version = page.getElementById("live").dataset.version;
    document.querySelector("nav").replaceWith(page.querySelector("nav"));
    await window.redraw(page);
  }} catch {{}}
}}, {1000 * _SECONDS_BETWEEN_LOOKS});
"""
RUNNING = "running"


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


_ALWAYS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
INDEX_POLICY = (
    f"{_ALWAYS}; connect-src 'self'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}"
)
"""Nothing but what stands in this module."""
REPORT_POLICY = (
    f"{_ALWAYS}; connect-src 'self'; img-src data: blob:; font-src data:;"
    " style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'"
)
"""A report's page has scripts of its own, all of them in it; it loads nothing from elsewhere."""
_OWN_POLICY = re.compile(
    r"""<meta\s+http-equiv=["']?content-security-policy[^>]*>""", re.IGNORECASE
)


class Line(NamedTuple):
    """One run in the list."""

    name: str
    address: str
    started: str = ""
    task: str = ""
    preset: str = ""
    backends: str = ""
    status: str = ""
    fastest: str = ""


def line_of_run(line: Line, run: RunFigures, running: bool) -> Line:
    counts = Counter(cell.status for cell in run.cells)
    statuses = ", ".join(
        status if len(counts) == 1 else f"{count} {status}" for status, count in counts.items()
    )
    rates = [
        (cell.tokens_per_second.value, cell)
        for cell in run.cells
        if cell.tokens_per_second and cell.status == "ok"
    ]
    fastest = max(rates, key=lambda rate: rate[0])[1] if rates else None
    return line._replace(
        started=f"{run.environment.started:%Y-%m-%d %H:%M} UTC",
        task=run.experiment.task,
        preset=run.preset,
        backends=", ".join(cell.label for cell in run.cells),
        status="running" if running else statuses,
        fastest=f"{fastest.label}, {estimate(fastest.tokens_per_second, '{:,.0f}')} tokens/s"
        if fastest
        else "",
    )


def index(title: str, lines: Sequence[Line], version: str) -> str:
    """The list of runs."""
    titles = ("started", "run", "task", "preset", "backends", "status", "fastest")
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "\n".join(_row(line) for line in lines)
    return (
        f"{_head(title)}<h1>{html.escape(title)}</h1>\n"
        '<p><a href="/history/">Figures over time</a></p>\n'
        f'<div tabindex="0"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>\n"
        f"{'' if lines else '<p>No runs yet.</p>'}{_live(version)}</body></html>\n"
    )


def preformatted(text: str) -> str:
    """A page of plain text."""
    return f"{_head('run')}<pre>{html.escape(text)}</pre></body></html>\n"


def _head(title: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>"
    )


def framed(page: str, version: str, files: Sequence[str]) -> str:
    """A report's page with the way back, its raw files, and the script that brings what is new: by
    the page's own `redraw`, which is given the new document, or by loading it again.

    A policy that the page states for itself, for where it is opened as a file, would not let that
    script look for news: `REPORT_POLICY` takes its place.
    """
    page = _OWN_POLICY.sub("", page, count=1)
    state = f"{RUNNING} · " if version.endswith(RUNNING) else ""
    within = [name for name in files if "/" in name]
    links = _links([name for name in files if "/" not in name])
    if within:
        links += f"<details><summary>logs and outputs</summary>{_links(within)}</details>"
    frame = (
        f'<nav style="{_NAV_STYLE}">{state}<a href="/">all runs</a>{links}</nav>\n{_live(version)}'
    )
    found = re.search(r"<body[^>]*>", page)
    place = found.end() if found else 0
    return page[:place] + frame + page[place:]


def _live(version: str) -> str:
    return f'<div id="live" data-version="{html.escape(version)}"></div><script>{_SCRIPT}</script>'


def _row(line: Line) -> str:
    texts = [line.task, line.preset, line.backends, line.status, line.fastest]
    cells = "".join(f"<td>{html.escape(text)}</td>" for text in texts)
    link = f'<a href="{html.escape(line.address)}">{html.escape(line.name)}</a>'
    return f"<tr><td>{html.escape(line.started)}</td><td>{link}</td>{cells}</tr>"


def _links(files: Sequence[str]) -> str:
    return "".join(f' · <a href="{_quoted(name)}">{html.escape(name)}</a>' for name in files)


def _quoted(name: str) -> str:
    return html.escape("/".join(map(quote, name.split("/"))))
