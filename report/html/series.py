"""The colour and the dash of a series: a framework has its colour and a mode its dash, everywhere.

Both follow from the names alone, so that every report, plot and page agrees, and none has to know
which frameworks there are. Only where two frameworks of one page fall on the same colour does one
of them take the next that is free; where there are more of them than colours, those that share one
differ by their dashes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from .theme import HUES, variable

_DASHES = ([1, 0], [8, 3], [3, 2], [9, 3, 2, 3], [14, 4], [5, 5])
# Chosen so that no two frameworks of this suite share a colour, and no two of one's modes a dash,
# nor the modes that a framework is played in unless told otherwise. A test holds it.
_SALT = 275


class Style(NamedTuple):
    """`hue` is the number of a colour of the theme, `dash` lengths of strokes and gaps."""

    hue: int
    dash: Sequence[int]


def styles(labels: Iterable[str]) -> dict[str, Style]:
    """The style of each label, which is "backend:mode"."""
    parts = {label: label.rpartition(":")[::2] for label in labels}
    hues = _places((backend for backend, _ in parts.values()), Counter(), HUES)
    of_hue = defaultdict[int, Counter[int]](Counter)
    dashed = {
        backend: _places(
            (mode for other, mode in parts.values() if other == backend), of_hue[hue], len(_DASHES)
        )
        for backend, hue in hues.items()
    }
    return {
        label: Style(hues[backend], _DASHES[dashed[backend][mode]])
        for label, (backend, mode) in parts.items()
    }


def colour(labels: Sequence[str], field: str = "series") -> dict[str, Any]:
    """The colour channel of a plot, for marks that have the label in this field."""
    found = styles(labels)
    colours = [variable(f"series-{found[label].hue}") for label in labels]
    scale = {"domain": list(labels), "range": colours}
    return {"field": field, "type": "nominal", "legend": None, "scale": scale}


def dashes(labels: Sequence[str]) -> dict[str, Any]:
    """The dash channel of a plot, see `colour`."""
    found = styles(labels)
    scale = {"domain": list(labels), "range": [found[label].dash for label in labels]}
    return {"field": "series", "type": "nominal", "legend": None, "scale": scale}


def _places(names: Iterable[str], used: Counter[int], count: int) -> dict[str, int]:
    """A place for each name: the one that its hash gives, or the next of those that are `used`
    least, which is counted."""
    found: dict[str, int] = {}
    for name in sorted(set(names), key=_hash):
        wanted = _hash(name) % count
        tried = [(wanted + step) % count for step in range(count)]
        found[name] = min(tried, key=lambda place: used[place])
        used[found[name]] += 1
    return found


def _hash(name: str) -> int:
    return int.from_bytes(sha256(f"{_SALT}{name}".encode()).digest()[:8], "big")
