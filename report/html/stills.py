"""Plots as pictures: for papers, and for a page where no script runs."""

import json
import re
from typing import Literal

from . import theme
from .curves import Spec
from .figures import Figure

_PICTURE_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_PIXELS_PER_INCH = 200
_PICTURE_WIDTH, _PAGE_WIDTH = 560, 720
_VARIABLE = re.compile(r"var\(--([\w-]+)\)")


def picture(figure: Figure, kind: Literal["png", "svg"]) -> bytes:
    """For a paper: light, with a legend, and nothing to hover."""
    import vl_convert  # its library is large, and pages can do without

    spec = json.loads(_VARIABLE.sub(_light, json.dumps(_still(figure, _PICTURE_WIDTH, True))))
    config = {
        **theme.config(theme.LIGHT.__getitem__, _PICTURE_FONT),
        "background": theme.LIGHT["paper"],
    }
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, config=config).encode()
    return vl_convert.vegalite_to_png(spec, config=config, ppi=_PIXELS_PER_INCH)


def baked(figure: Figure) -> str:
    """For a page, in the colours of its theme: what stands there until a script draws the plot.
    Its legend is the page's own."""
    import vl_convert

    spec = {**_still(figure, _PAGE_WIDTH, False), "config": {"aria": False}}
    svg = vl_convert.vegalite_to_svg(spec, config=theme.config(theme.variable, theme.FONT))
    # What is referred to has a number that hangs on what was drawn before; in one page, one of all.
    for number, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))):
        mine = f"{figure.name}-{number}"
        svg = svg.replace(f'id="{name}"', f'id="{mine}"').replace(f"url(#{name})", f"url(#{mine})")
    return svg.replace("<svg ", '<svg aria-hidden="true" ', 1)


def _light(variable: re.Match[str]) -> str:
    return theme.LIGHT[variable[1]]


def _still(figure: Figure, width: int, legend: bool) -> Spec:
    """The specification of a fixed width, with nothing to hover."""
    spec: Spec = {**figure.spec, "width": width}
    if "layer" in spec:
        kept = [layer for layer in spec["layer"] if layer.get("name") != "hover"]
        spec["layer"] = [_without_params(layer) for layer in kept]
        if legend and figure.series:
            spec["layer"] = [_with_legend(layer, figure) for layer in spec["layer"]]
    return spec


def _without_params(layer: Spec) -> Spec:
    return {key: value for key, value in layer.items() if key != "params"}


def _with_legend(layer: Spec, figure: Figure) -> Spec:
    """Of the lines, those that the page's own legend lists, above the title of the axis."""
    if layer.get("name") != "lines":
        return layer
    symbol = {"symbolType": "stroke", "symbolSize": 300, "symbolStrokeWidth": 2}
    symbol |= {"offset": 34, "columns": 4, "values": list(figure.series)}
    encoding = layer["encoding"]
    legends = {name: {**encoding[name], "legend": symbol} for name in ("color", "strokeDash")}
    return {**layer, "encoding": {**encoding, **legends}}
