"""The few pages of `compare serve` that no report format writes, and the frame around those."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

_STYLE = """
:root { color-scheme: light dark; }
html { background: light-dark(#fff, #161616); color: light-dark(#1c1c1c, #e8e8e8); }
body { font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 90rem; margin: 0 auto; padding: 2rem 1.25rem; }
h1 { font-size: 1.75rem; font-weight: 650; margin: 0 0 0.4rem; overflow-wrap: anywhere; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.35rem 1.25rem 0.35rem 0; }
th, td { vertical-align: top; white-space: nowrap; }
th { font-weight: 400; opacity: 0.75; }
caption { text-align: left; padding-top: 1rem; }
tr { border-bottom: 1px solid #8884; }
pre { overflow-x: auto; }
a { color: light-dark(#0b5cad, #7fb8f0); }
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


REPORT_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " connect-src 'self'; img-src data: blob:; font-src data:;"
    " style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'"
)
"""A report's page has scripts of its own, all of them in it; it loads nothing from elsewhere."""
_OWN_POLICY = re.compile(
    r"""<meta\s+http-equiv=["']?content-security-policy[^>]*>""", re.IGNORECASE
)


def preformatted(text: str) -> str:
    """A page of plain text."""
    return f"{_head('run')}<main><pre>{html.escape(text)}</pre></main></body></html>\n"


def plain(title: str, parts: Iterable[str]) -> str:
    """A page of a heading and what `lines` and `table` made."""
    heading = f"<h1>{html.escape(title)}</h1>"
    return f"{_head(title)}<main>{heading}{''.join(parts)}</main></body></html>\n"


def lines(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in texts) + "</ul>"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Rows of a label and figures."""
    heads = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in titles)
    body = "".join(
        f'<tr><th scope="row">{html.escape(label)}</th>'
        + "".join(f"<td>{html.escape(text)}</td>" for text in texts)
        + "</tr>"
        for label, *texts in rows
    )
    name = html.escape(caption)
    return (
        f'<div tabindex="0" role="region" aria-label="{name}"><table><caption>{name}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head(title: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>"
    )


def framed(page: str, version: str, files: Sequence[str], others: Mapping[str, str]) -> str:
    """A report's page with the way back, `others` (addresses by what they are called), its raw
    files, and the script that brings what is new: by
    the page's own `redraw`, which is given the new document, or by loading it again.

    A policy that the page states for itself, for where it is opened as a file, would not let that
    script look for news: `REPORT_POLICY` takes its place.
    """
    page = _OWN_POLICY.sub("", page, count=1)
    state = f"{RUNNING} · " if version.endswith(RUNNING) else ""
    within = [name for name in files if "/" in name]
    links = "".join(
        f' · <a href="{_quoted(address)}">{html.escape(name)}</a>'
        for name, address in others.items()
    )
    links += _links([name for name in files if "/" not in name])
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


def _links(files: Sequence[str]) -> str:
    return "".join(f' · <a href="{_quoted(name)}">{html.escape(name)}</a>' for name in files)


def _quoted(name: str) -> str:
    return html.escape("/".join(map(quote, name.split("/"))))
