"""Explanations in words: whether frameworks explain alike, and whether rightly."""

from collections.abc import Iterable, Iterator, Sequence

from compare.findings.number_text import count_of, estimate, number
from compare.records.explanations import Agreed, Explained, Right
from compare.records.values import Estimate

from .table import Table

METHODS = {
    "gradient": "gradient x input",
    "integrated": "integrated gradients",
    "occlusion": "leaving one out",
    "shapley": "Shapley values",
    "surrogate": "linear surrogate",
    "rollout": "attention rollout",
    "attention": "cross-attention",
}
_MAIN = ("integrated", "shapley", "gradient", "occlusion", "surrogate", "rollout", "attention")
_KNOWN = {
    "rule": "the words that decide by the data's own rule",
    "alignment": "the words that a translated one stands for by the grammar",
    "marked": "the words that people marked",
}
COMPLETE = 1e-4
"""Of the largest of what there is to explain: so much a sum may miss in float32"""
_TWO, _THREE = "{:.2f}", "{:.3f}"


def main_method(explained: Explained) -> str:
    """The one that sentences are about."""
    return next(method for method in _MAIN if method in explained.methods)


def title(explained: Explained) -> str:
    backends = count_of(len(explained.backends()), "backend")
    texts = count_of(explained.examples, "text")
    return f"Why? {explained.task} ({explained.preset}): {backends}, {texts}, {explained.function}"


def alike(explained: Explained) -> str:
    """Do frameworks explain alike, and is that much?"""
    method = main_method(explained)
    between = _between(explained, method)
    if not between:
        alone = len(explained.backends()) == 1
        return "One backend alone: nothing to agree with." if alone else "Too short to be ordered."
    least = min(between, key=lambda one: one.rank.value)
    which, where = "Any two" if len(between) > 1 else "Both", ""
    if len({estimate(one.rank, _THREE) for one in between}) > 1:
        which, where = "Two", f" where they agree least, {least.first} and {least.second}"
    said = (
        f"{which} backends order a text's words with a rank correlation of"
        f" {estimate(least.rank, _THREE)}{where} ({METHODS[method]}, median of texts)"
    )
    yardsticks = [
        text
        for of, words in (("echo", "rounding alone"), ("seed", "another seed"))
        if (text := _yardstick(explained, method, of, words))
    ]
    return f"{said}; {'; '.join(yardsticks)}." if yardsticks else f"{said}."


def verdict(explained: Explained) -> str:
    """How the frameworks' difference compares with the yardsticks'; nothing without any."""
    method = main_method(explained)
    between = _between(explained, method)
    echoes, seeds = (_against(explained, method, of) for of in ("echo", "seed"))
    if not between:
        return ""
    least = _least(between)
    parts = []
    if echoes:
        parts.append(_held(least, _least(echoes), "rounding alone does"))
    if seeds:
        parts.append(_held(least, _least(seeds), "another seed does"))
    return f"Explanations of backends differ {', and '.join(parts)}." if parts else ""


def _held(ours: Estimate, theirs: Estimate, what: str) -> str:
    """How a rank correlation compares with a yardstick's: apart only where their intervals are."""
    if ours.low is None or ours.high is None or theirs.low is None or theirs.high is None:
        return f"by what so few texts cannot tell from what {what}"
    if ours.low > theirs.high:
        return f"less than {what}"
    if ours.high < theirs.low:
        return f"more than {what}"
    if ours.value >= theirs.value:
        return f"no more than {what}"
    return f"by what these texts cannot tell from what {what}"


def right(explained: Explained) -> str:
    """Are they right, where that is known?"""
    method = main_method(explained)
    trained = [r for r in explained.rightness if r.method == method]
    backends = set(explained.backends())
    own = [(r.precision.value, r) for r in trained if r.model in backends and r.precision]
    if not own:
        return ""
    _, worst = min(own, key=lambda pair: pair[0])
    said = (
        f"Of {_KNOWN[explained.known]}, {METHODS[method]} finds"
        f" {estimate(worst.precision, '{:.0%}')} among its largest in every backend"
        f" ({worst.model} the fewest; chance {worst.chance:.0%})"
    )
    if explained.known == "rule":
        said += (
            f", and gives {estimate(worst.people, '{:.1%}')} of its weight to words of people,"
            f" {_by_the_rule(worst.people_true)}"
        )
    for of, told in (("initial", "before training"), ("shuffled", "trained on shuffled labels")):
        nothing = [r for r in trained if explained.models[r.model] == of]
        if nothing:
            said += f"; {told} {estimate(nothing[0].precision, '{:.0%}')}"
    return f"{said}."


def _by_the_rule(true: Estimate | None) -> str:
    """What words of people have a right to: something where training labels are biased."""
    if true is None or not true.value:
        return "which decide nothing"
    return f"to which the biased labels give {estimate(true, '{:.1%}')}"


def complete(explained: Explained) -> str:
    """Whether what has to add up does."""
    gaps = explained.largest_gap
    texts = {name: f"{METHODS[name]} to {small_share(gap)}" for name, gap in gaps.items()}
    loose = [texts[name] for name, gap in gaps.items() if gap > COMPLETE]
    whole = [texts[name] for name, gap in gaps.items() if gap <= COMPLETE]
    said = [f"Scores add up to what there is to explain: {', '.join(whole)}."] if whole else []
    said += [f"They do not quite add up: {', '.join(loose)}."] if loose else []
    return " ".join(said)


def sentences(explained: Explained) -> Iterator[str]:
    found = (alike(explained), right(explained), complete(explained), verdict(explained))
    yield from filter(None, found)


def agreement_table(explained: Explained) -> Table:
    """Every pair by every method."""
    rows = [
        [
            one.first,
            one.second,
            METHODS[one.method],
            estimate(one.rank, _THREE),
            estimate(one.top, _TWO),
            estimate(one.sign, _TWO),
        ]
        for one in explained.agreements
    ]
    columns = ["model", "and", "method", "rank correlation", "top 5 in common", "same sign"]
    return Table(columns, rows, left=3)


def rightness_table(explained: Explained) -> Table | None:
    rows = [
        [
            one.model,
            METHODS[one.method],
            estimate(one.precision, _TWO),
            number(one.chance, _TWO),
            estimate(one.average_precision, _TWO),
            estimate(one.auroc, _TWO),
            estimate(one.mass, _TWO),
            estimate(one.people, _THREE),
            estimate(one.rank, _TWO),
        ]
        for one in explained.rightness
    ]
    columns = ["model", "method", "precision@k", "chance", "average precision", "AUROC"]
    columns += ["on deciding words", "on people", "rank with the truth"]
    kept = [i for i, title in enumerate(columns) if title != "on people" or _has_people(explained)]
    shown = [[row[i] for i in kept] for row in rows]
    return Table([columns[i] for i in kept], shown, left=2) if rows else None


def faithfulness_table(explained: Explained) -> Table:
    rows = [
        [
            one.model,
            METHODS[one.method],
            *(
                estimate(figure, _TWO)
                for figure in (
                    one.comprehensiveness, one.sufficiency, one.deletion, one.insertion,
                    one.infidelity,
                )
            ),
        ]
        for one in explained.faithfulness
    ]  # fmt: skip
    columns = ["model", "method", "comprehensiveness", "sufficiency", "deletion", "insertion"]
    return Table([*columns, "infidelity"], rows, left=2)


def glance(explained: Explained) -> Table:
    """A row per backend by the main method, for a terminal."""
    method, backends = main_method(explained), explained.backends()
    known = {one.model: one for one in explained.rightness if one.method == method}
    faithful = {one.model: one for one in explained.faithfulness if one.method == method}
    columns = ["model", "precision@k", "on people", "comprehensiveness", "infidelity"]
    rows = [
        [
            label,
            _of_right(known.get(label), "precision", _TWO),
            _of_right(known.get(label) if _has_people(explained) else None, "people", _THREE),
            *(
                estimate(getattr(faithful[label], name), _TWO) if label in faithful else "–"
                for name in ("comprehensiveness", "infidelity")
            ),
        ]
        for label in [*backends, *(m for m in known if m not in backends)]
    ]
    kept = [i for i in range(len(columns)) if i == 0 or any(row[i] != "–" for row in rows)]
    return Table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], left=1)


def _has_people(explained: Explained) -> bool:
    return explained.known == "rule"


def _of_right(one: Right | None, name: str, form: str) -> str:
    return estimate(getattr(one, name) if one else None, form)


def small_share(value: float) -> str:
    """A share that may be as small as rounding."""
    return "less than 0.01%" if value < 1e-4 else f"{value:.2%}"


def _between(explained: Explained, method: str) -> list[Agreed]:
    """Of every two backends."""
    backends = set(explained.backends())
    return [one for one in _of(explained, method) if {one.first, one.second} <= backends]


def _least(agreed: Sequence[Agreed]) -> Estimate:
    """Of those that agree least."""
    return min(agreed, key=lambda one: one.rank.value).rank


def _of(explained: Explained, method: str) -> list[Agreed]:
    return [one for one in explained.agreements if one.method == method]


def _against(explained: Explained, method: str, of: str) -> list[Agreed]:
    return [one for one in _of(explained, method) if explained.models[one.second] == of]


def _yardstick(explained: Explained, method: str, of: str, words: str) -> str:
    found = _against(explained, method, of)
    if not found:
        return ""
    return f"{words} leaves {estimate(_least(found), _THREE)}"


def legend(explained: Explained) -> Iterable[str]:
    yield "rank correlation: Spearman's, of a text's words by their scores; median of texts, 95%"
    if explained.rightness:
        yield f"precision@k: share of the k largest scores that are of {_KNOWN[explained.known]}"
    if _has_people(explained):
        yield "on people: share of all scores on words that say whom the text speaks of"
    yield (
        "comprehensiveness: how far the explained value falls, in nats, without the most important"
        " words; infidelity: of the square of what random deletions do, the share that scores do"
        " not foretell: 0 is best, 1 as good as none"
    )
