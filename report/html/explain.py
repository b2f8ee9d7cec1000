"""The page of explanations: the same texts as each backend reads them, and what that is worth."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from compare.explain.faithfulness import CURVE
from compare.findings.number_text import estimate, number, significant
from compare.records.explanations import AttentionMap, Explained, Explanation, Inside

from .. import explained as words
from . import page
from .curves import Axis, Curves, Spec, spec
from .figures import Figure, listed
from .series import colour

_MOST_TEXTS = 200
_MOST_SEEDS = 20  # texts that other seeds' rows stand beside
_MOST_OTHERS = 5  # texts that are shown by every method
_MOST_MAPS = 8
_MOST_NORMS = 5  # of a parameter
_SHADES = 5
_RULE, _RANDOM = "the rule itself", "random order"


class Word(NamedTuple):
    """`shade` from n5 by 0 to p5: how much it speaks against the answer, or for it."""

    text: str
    shade: str
    score: str


class Row(NamedTuple):
    model: str
    words: list[Word]
    value: str


class Text(NamedTuple):
    """One text by one method, as every model reads it; one scale of shades for all rows."""

    number: int
    asked: str
    method: str
    rows: list[Row]


class Histogram(NamedTuple):
    """Of one array: its models' curves as points of an SVG, and figures."""

    name: str
    what: str
    rows: list[tuple[str, str, list[str]]]


def render(explained: Explained) -> str:
    main = words.main_method(explained)
    labels = explained.backends()
    figures = [*_precision(explained, main), *_deletion(explained, main)]
    return page.render(
        "explain.html",
        title=words.title(explained),
        figures=figures,
        downloads={"explanations.csv": _csv(explained)},
        series=[*labels, _RULE, _RANDOM],
        landscape=True,
        explained=explained,
        answers=[
            ("Do frameworks explain alike?", words.alike(explained)),
            ("Is that much?", words.verdict(explained) or _no_yardstick(explained)),
            (
                "Are they right?",
                words.right(explained) or "What decides in this data is not known.",
            ),
            ("Do scores add up?", words.complete(explained) or "No method here has to."),
        ],
        main=words.METHODS[main],
        texts=list(_texts(explained, main, _MOST_TEXTS)),
        others=[
            text
            for method in explained.methods
            if method != main
            for text in _texts(explained, method, _MOST_OTHERS)
        ],
        methods=words.METHODS,
        agreement=words.agreement_table(explained),
        rightness=words.rightness_table(explained),
        faithfulness=words.faithfulness_table(explained),
        legend=list(words.legend(explained)),
        activations=_histograms(explained.inside, "activations"),
        weights=_histograms(explained.inside, "weights"),
        maps=_maps(explained.maps),
        map_gap=words.small_share(max((one.gap for one in explained.maps), default=0.0)),
    )


def _no_yardstick(explained: Explained) -> str:
    return (
        "Not measured: the run has no echo with weights, and no other seed was given"
        " (compare explain RUN --seeds OTHER)."
        if len(explained.backends()) > 1
        else "One backend alone."
    )


def _texts(explained: Explained, method: str, most: int) -> Iterator[Text]:
    groups: dict[tuple[int, str], list[Explanation]] = defaultdict(list)
    for one in explained.explanations:
        if one.method == method and one.of not in ("initial", "shuffled"):
            groups[one.example, one.asked].append(one)
    for index, ((example, asked), every) in enumerate(list(groups.items())[:most]):
        rows = [one for one in every if one.of != "seed" or index < _MOST_SEEDS]
        largest = max(abs(score) for row in rows for score in row.scores) or 1.0
        yield Text(
            example,
            asked,
            method,
            [Row(one.model, _words(one, largest), f"{one.value:+.2f}") for one in rows],
        )


def _words(one: Explanation, largest: float) -> list[Word]:
    found = []
    for token, score in zip(one.tokens, one.scores, strict=True):
        size = round(_SHADES * abs(score) / largest)
        shade = f"{'p' if score > 0 else 'n'}{size}" if size else ""
        found.append(Word(token, shade, f"{score:+.3f}"))
    return found


def _precision(explained: Explained, main: str) -> Iterator[Figure]:
    rows = [
        {
            "series": one.model,
            "value": one.precision.value,
            "low": one.precision.low,
            "high": one.precision.high,
            "chance": one.chance,
            "text": estimate(one.precision, "{:.2f}"),
        }
        for one in explained.rightness
        if one.method == main and one.precision
    ]
    if not rows:
        return
    told = [f"{row['series']} {row['text']}" for row in rows]
    x: Spec = {
        "field": "value", "type": "quantitative", "title": "precision@k",
        "scale": {"domain": [0, 1]},
    }  # fmt: skip
    y: Spec = {"field": "series", "type": "nominal", "sort": None,
               "axis": {"title": None, "labelLimit": 260, "grid": False}}  # fmt: skip
    tooltip = [
        {"field": "series", "type": "nominal", "title": "model"},
        {"field": "text", "type": "nominal", "title": "precision@k"},
    ]
    coloured = {"color": colour([str(row["series"]) for row in rows])}
    chance = {"x": {"field": "chance", "type": "quantitative"}}
    plot: Spec = {
        "width": "container",
        "height": 30 * len(rows),
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [{"name": "hidden", "value": []}],
        "data": {"values": rows},
        "transform": [{"filter": "indexof(hidden, datum.series) < 0"}],
        "encoding": {"y": y, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "bar", "height": 12, "opacity": 0.3},
             "encoding": {"x": x, **coloured}},
            {"mark": {"type": "rule", "strokeWidth": 2.5},
             "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"},
                          **coloured}},
            {"mark": {"type": "tick", "thickness": 2, "size": 22}, "encoding": chance},
        ],
    }  # fmt: skip
    yield Figure(
        "precision",
        plot,
        "Share of the largest scores that are where the known answer is; the tick is chance.",
        f"Precision at k: {listed(told)}.",
    )


def _deletion(explained: Explained, main: str) -> Iterator[Figure]:
    curves = [one for one in explained.faithfulness if one.method == main]
    if not curves:
        return
    labels = [one.model for one in curves]
    ys = [one.curve for one in curves]
    if curves[0].rule is not None:
        labels, ys = [*labels, _RULE], [*ys, curves[0].rule]
    labels, ys = [*labels, _RANDOM], [*ys, curves[0].random]
    halves = [f"{label} {curve[5]:.2f}" for label, curve in zip(labels, ys, strict=True)]
    drawn = Curves(labels, [round(100 * share) for share in CURVE], np.array(ys))
    yield Figure(
        "deletion",
        spec(
            drawn,
            Axis("words left out, the most important first, %", ".0f", ".0f"),
            Axis("explained value, nats toward the answer", ".2f", ".1f", zero=False),
            labels,
            height=280,
        ),
        f"What is left of the answer as words are left out in the order of {words.METHODS[main]}:"
        " the steeper, the more faithful. The rule's curve says how much of the fall is right.",
        f"After half of the words: {listed(halves)}.",
        labels,
    )


def _histograms(inside: Sequence[Inside], what: str) -> list[Histogram]:
    groups: dict[str, list[Inside]] = defaultdict(list)
    for one in inside:
        if one.what == what:
            groups[one.name].append(one)
    return [
        Histogram(
            name,
            what,
            [(one.model, _points(one), _figures(one)) for one in group],
        )
        for name, group in groups.items()
    ]


def _figures(one: Inside) -> list[str]:
    """Under the titles that the template gives them."""
    found = [significant(one.mean), significant(one.deviation), number(one.zeros, "{:.1%}")]
    if one.norms is not None:
        return [*found, " → ".join(significant(one.norms[place]) for place in _few(one.norms))]
    return [*found, number(one.saturated, "{:.1%}"), number(one.dead, "{:.1%}")]


def _few(norms: Sequence[float]) -> list[int]:
    """Places of the first and the last one, and of some between them."""
    parts = min(_MOST_NORMS, len(norms)) - 1
    return [round(part * (len(norms) - 1) / parts) for part in range(parts + 1)]


def _points(one: Inside) -> str:
    """A histogram as a polyline of 120 by 24."""
    most = max(one.counts) or 1
    step = 120 / len(one.counts)
    places = [
        f"{(i + 0.5) * step:.0f},{23 - 22 * count / most:.1f}" for i, count in enumerate(one.counts)
    ]
    return " ".join(places)


class Map(NamedTuple):
    title: str
    tokens: list[str]
    looking: list[str]
    cells: list[tuple[int, int, int, str]]
    """Column, row, share of black in percent, and the figure in words"""


def _maps(maps: Sequence[AttentionMap]) -> list[Map]:
    """Of the first text, the heads of the first models."""
    if not maps:
        return []
    first = [one for one in maps if one.example == maps[0].example][:_MOST_MAPS]
    return [
        Map(
            f"{one.model}, {one.block}, head {one.head + 1}",
            one.tokens,
            one.looking,
            [
                (
                    column,
                    row,
                    round(100 * weight),
                    f"{looking} → {one.tokens[column]}: {weight:.2f}",
                )
                for row, (looking, weights) in enumerate(zip(one.looking, one.weights, strict=True))
                for column, weight in enumerate(weights)
                if weight >= 0.005
            ],
        )
        for one in first
    ]


def _csv(explained: Explained) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "example", "asked", "method", "position", "token", "score"])
    for one in explained.explanations:
        if one.example < 20:
            for at, (token, score) in enumerate(zip(one.tokens, one.scores, strict=True)):
                writer.writerow(
                    [one.model, one.example, one.asked, one.method, at, token, f"{score:.6g}"]
                )
    return text.getvalue()
