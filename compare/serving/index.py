"""The list of runs: to sort, to filter, and to tick runs that are to be seen together."""

import base64
import hashlib
import html
from collections.abc import Sequence

from compare.serving.lines import Line

TOGETHER = "/together/"
_SECONDS_BETWEEN_LOOKS = 5
_STYLE = """
:root { color-scheme: light dark; }
html { background: light-dark(#fff, #161616); color: light-dark(#1c1c1c, #e8e8e8); }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 100rem; margin: 0 auto; padding: 2rem 1.25rem; }
h1 { font-size: 1.75rem; font-weight: 650; margin: 0 0 0.4rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
.tools { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.35rem 1.25rem 0.35rem 0; font-weight: 400; }
th, td { vertical-align: top; white-space: nowrap; }
.long { white-space: normal; min-width: 9rem; }
tr { border-bottom: 1px solid #8884; }
a { color: light-dark(#0b5cad, #7fb8f0); }
button { font: inherit; }
.sort { border: 0; background: none; padding: 0; color: inherit; cursor: pointer; }
.sort { text-decoration: underline dotted; }
[aria-sort="ascending"] .sort::after { content: " ▲" / ""; }
[aria-sort="descending"] .sort::after { content: " ▼" / ""; }
@media (max-width: 40rem) {
  thead { display: none; }
  table, tbody, tr, td, th { display: block; white-space: normal; padding: 0; }
  tr { padding: 0.6rem 0; }
  td:first-child { float: right; }
}
.bad { display: block; color: light-dark(#a61b1b, #ff8f85); }
"""
_SCRIPT = f"""
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
const filter = document.getElementById("filter");
let sorted = null;

function show() {{
  const wanted = filter.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  each("tbody tr", (row) => {{
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
    shown += !row.hidden;
  }});
  const ticked = document.querySelectorAll("[name=run]:checked").length;
  document.getElementById("diff").disabled = ticked !== 2;
  document.getElementById("report").disabled = ticked < 2;
  const all = document.querySelectorAll("tbody tr").length;
  document.getElementById("said").textContent =
    `${{shown === all ? all : `${{shown}} of ${{all}}`}} runs, ${{ticked}} ticked`;
}}

function sort() {{
  if (!sorted) return;
  const [column, down] = sorted;
  const text = (row) => row.cells[column].textContent.trim();
  const compare = new Intl.Collator(undefined, {{ numeric: true }}).compare;
  const body = document.querySelector("tbody");
  body.append(...[...body.rows].sort((a, b) => (down ? -1 : 1) * compare(text(a), text(b))));
  each("thead th", (head) => head.removeAttribute("aria-sort"));
  document.querySelectorAll("thead th")[column].setAttribute(
    "aria-sort", down ? "descending" : "ascending");
}}

each(".sort", (button) => button.addEventListener("click", () => {{
  const column = button.parentElement.cellIndex;
  sorted = [column, Boolean(sorted) && sorted[0] === column && !sorted[1]];
  sort();
}}));
filter.addEventListener("input", show);
document.querySelector("form").addEventListener("change", show);
show();

// News: other rows, with what was ticked, sorted and filtered as it was.
setInterval(async () => {{
  try {{
    const live = document.getElementById("live");
    const answer = await fetch("version");
    if (!answer.ok || (await answer.text()).trim() === live.dataset.version) return;
    const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
    const ticked = [...document.querySelectorAll("[name=run]:checked")].map((box) => box.value);
    document.querySelector("tbody").replaceWith(page.querySelector("tbody"));
    each("[name=run]", (box) => {{ box.checked = ticked.includes(box.value); }});
    live.dataset.version = page.getElementById("live").dataset.version;
    sort();
    show();
  }} catch {{}}
}}, {1000 * _SECONDS_BETWEEN_LOOKS});
"""


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    f" connect-src 'self'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}"
)
"""Nothing but what stands in this module."""


def index(title: str, lines: Sequence[Line], version: str) -> str:
    """The list of runs, the newest first."""
    titles = ("started", "run", "task", "preset", "backends", "status", "fastest")
    heads = "".join(
        f'<th scope="col"><button type="button" class="sort">{title}</button></th>'
        for title in titles
    )
    rows = "\n".join(map(_row, lines))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{_STYLE}</style></head>
<body><main><h1>{html.escape(title)}</h1>
<p><a href="/history/">Figures over time</a></p>
<form action="{TOGETHER}">
<p class="tools"><label>Only runs with <input type="search" id="filter"></label>
<button id="diff" name="as" value="diff">Diff of two ticked</button>
<button id="report" name="as" value="report">One report of those ticked</button>
<span id="said" role="status"></span></p>
<div class="scroll" tabindex="0" role="region" aria-label="Runs">
<table><thead><tr><th scope="col">tick</th>{heads}</tr></thead>
<tbody>{rows}</tbody></table></div>
</form>
{"" if lines else "<p>No runs yet.</p>"}</main>
<div id="live" data-version="{html.escape(version)}"></div>
<script type="module">{_SCRIPT}</script></body></html>
"""


def _row(line: Line) -> str:
    name = html.escape(line.name)
    tick = f'<input type="checkbox" name="run" value="{name}" aria-label="Tick {name}">'
    trouble = f'<span class="bad">{html.escape(line.trouble)}</span>' if line.trouble else ""
    cells = [
        f"<td>{tick}</td>",
        f"<td>{html.escape(line.started)}</td>",
        f'<th scope="row"><a href="{html.escape(line.address)}">{name}</a></th>',
        f"<td>{html.escape(line.task)}</td>",
        f"<td>{html.escape(line.preset)}</td>",
        f'<td class="long">{html.escape(line.backends)}</td>',
        f'<td class="long">{html.escape(line.status)}{trouble}</td>',
        f'<td class="long">{html.escape(line.fastest)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"
