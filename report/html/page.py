"""The page around whatever is shown: one file with its style, scripts, plots and raw data."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.text.cache import cache_root

from . import theme
from .figures import Figure
from .series import styles
from .stills import baked
from .tables import parts, whole

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_LANDSCAPE = "@page{size:landscape}"


def render(
    template: str,
    *,
    title: str,
    figures: Sequence[Figure],
    downloads: Mapping[str, str],
    series: Sequence[str],
    landscape: bool = False,
    bake: bool = True,
    **context: Any,
) -> str:
    """A page from a template that extends shell.html. `downloads` are CSV texts by file name,
    `series` every label that a plot may show; `landscape` is how it lies on paper. Plots are
    pictures until the script draws them, unless told not to `bake` them."""
    from markupsafe import Markup

    environment = _environment()
    return environment.get_template(template).render(
        title=title,
        figures={figure.name: figure for figure in figures},
        style=Markup(_colours() + _read("page.css") + (_LANDSCAPE if landscape else "")),
        pictures={figure.name: Markup(baked(figure)) for figure in figures} if bake else {},
        scripts=[Markup(script) for script in [*([_vega()] if figures else []), _read("page.js")]],
        data={
            "figures": _json({figure.name: figure.spec for figure in figures}),
            "config": _json(theme.config(theme.variable, theme.FONT)),
            "downloads": _json(downloads),
        },
        downloads={name: len(text.encode()) for name, text in downloads.items()},
        series=styles(series),
        **context,
    )


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["parts"] = parts
    made.filters["whole"] = whole
    return made


@cache
def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text("utf-8")


def _json(value: Any) -> Any:
    """JSON that cannot end the script element which holds it."""
    from markupsafe import Markup

    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))


def _colours() -> str:
    """Both themes as CSS variables; plots use the same."""

    def block(colours: theme.Colours) -> str:
        return ":root{" + "".join(f"--{name}:{value};" for name, value in colours.items()) + "}"

    dark = f"@media screen and (prefers-color-scheme:dark){{{block(theme.DARK)}}}"
    return f"{block(theme.LIGHT)}{dark}body{{font-family:{theme.FONT}}}"


@cache
def _vega() -> str:
    """Vega-Embed, Vega-Lite and Vega as one script: made once, which takes a second, and kept."""
    kept = cache_root() / f"vega-embed-{version('vl-convert-python')}.js"
    try:
        return kept.read_text("utf-8")
    except OSError:
        script = _bundle()
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a reader sees only what was renamed when it was complete.
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="partial-") as partial:
            Path(partial, kept.name).write_text(script, encoding="utf-8")
            Path(partial, kept.name).rename(kept)
    except OSError:
        pass  # read-only or full: it will be made again
    return script


def _bundle() -> str:
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
