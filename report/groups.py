"""How groups fare, in words and as tables: signed differences, and no score of fairness."""

from collections.abc import Iterator, Sequence

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import NOTHING, estimate, number, plain_zero
from compare.findings.summary import Summary
from compare.records.groups import Groups

from .table import Table

_RATE = "{:.3f}"
_MEANING = {
    "selection": "share that is given the positive class (demographic parity)",
    "tpr": "the same of those whose label is positive (equal opportunity)",
    "fpr": "the same of those whose label is not (with the one above: equalised odds)",
    "accuracy": "share of right answers",
}
_TITLES = {"selection": "selection", "tpr": "TPR", "fpr": "FPR", "accuracy": "accuracy"}
_TWINS = {
    "probability": "probability, same text",
    "selection": "selection, same text",
    "tpr": "TPR, same text",
    "flips": "flips, same text",
}


def known(summary: Summary) -> list[tuple[CellSummary, Groups]]:
    """The backends whose treatment of groups is known."""
    return [(cell, cell.groups) for cell in summary.cells if cell.groups]


def sentences(summary: Summary) -> Iterator[str]:
    """Is one framework fairer than another? By how much they differ, and by how much rounding."""
    cells = known(summary)
    gaps = {
        cell.label: gap.gap.value
        for cell, groups in cells
        for gap in groups.gaps
        if gap.rate == "selection"
    }
    if gaps:
        one = next(g for _, groups in cells for g in groups.gaps if g.rate == "selection")
        spread = max(gaps.values()) - min(gaps.values())
        positive, texts = cells[0][1].positive, span(list(gaps.values()))
        yield f"Share that is given '{positive}', {one.first} less {one.second}: {texts}."
        if len(gaps) > 1:
            yield f"Frameworks differ in that by {_RATE.format(spread)}{_rounding(summary, gaps)}."
    yield from _theory(summary)
    yield from dict.fromkeys(note for _, groups in cells for note in groups.notes)


def _theory(summary: Summary) -> Iterator[str]:
    """What backends come to beside the best learner of labels that are biased on purpose."""
    best = summary.best_learner
    told = [groups for _, groups in known(summary) if groups.twins and groups.biased_accuracy]
    if not best or not told:
        return
    same = span([one.twins.selection.value for one in told if one.twins])
    yield (
        f"In the same text, speaking of the other group: {same}; the best learner of these biased"
        f" labels comes to {_RATE.format(best['selection'])}."
    )
    fair = span([one.accuracy.value for one in told if one.accuracy])
    biased = span([one.biased_accuracy.value for one in told if one.biased_accuracy])
    yield (
        f"Accuracy is {fair} on fair labels and {biased} on labels with the bias; the best"
        f" learner's {_RATE.format(best['accuracy'])} and {_RATE.format(best['biased_accuracy'])}."
    )


def span(values: Sequence[float], form: str = _RATE) -> str:
    """From the smallest to the largest; one of them where they are written alike."""
    ends = (plain_zero(form.format(value)) for value in (min(values), max(values)))
    return " to ".join(dict.fromkeys(ends))


def _rounding(summary: Summary, gaps: dict[str, float]) -> str:
    """What the echo's own difference is to its backend's."""
    if summary.echo_groups is None or summary.echo_of not in gaps:
        return ""
    echo = next((g.gap.value for g in summary.echo_groups.gaps if g.rate == "selection"), None)
    if echo is None:
        return ""
    return f", rounding alone by {_RATE.format(abs(echo - gaps[summary.echo_of]))}"


def rates_table(summary: Summary) -> Table | None:
    """A row per backend and group."""
    rows = [
        [
            cell.label,
            rates.group,
            f"{rates.count:,}",
            f"{rates.positives:,}",
            *(
                number(value, _RATE)
                for value in (rates.selection, rates.tpr, rates.fpr, rates.accuracy)
            ),
            number(rates.calibration, _RATE),
            number(rates.auroc, _RATE),
        ]
        for cell, groups in known(summary)
        for rates in groups.rates
    ]
    columns = ["backend", "group", "examples", "positive", "selection", "TPR", "FPR", "accuracy"]
    return Table([*columns, "calibration", "AUROC"], rows, left=2) if rows else None


def gaps_table(summary: Summary) -> Table | None:
    """Signed differences with intervals over the examples: of two groups a row per backend; of
    more, of which each rate has its own largest and smallest, a row per backend and rate."""
    cells = known(summary)
    gaps = [gap for _, groups in cells for gap in groups.gaps]
    if not gaps and not any(groups.twins for _, groups in cells):
        return None
    if any(gap.by_chance is not None for gap in gaps):
        return _of_many(cells)
    rows = []
    for cell, groups in cells:
        found = {gap.rate: estimate(gap.gap, _RATE) for gap in groups.gaps}
        twins = [estimate(getattr(groups.twins, name, None), _RATE) for name in _TWINS]
        rows.append([cell.label, *(found.get(rate, NOTHING) for rate in _MEANING), *twins])
    columns = ["backend", *_TITLES.values(), *_TWINS.values()]
    return Table(columns, rows, left=1)


def caption(summary: Summary) -> str:
    """Whose differences they are."""
    for _, groups in known(summary):
        twins = (
            f"; same text: of {groups.twins.count:,} texts and their twins" if groups.twins else ""
        )
        for gap in groups.gaps:
            if gap.by_chance is None:
                return f"Differences, {gap.first} less {gap.second}, with 95% intervals{twins}"
            return "The largest less the smallest rate, and what groups drawn at random come to"
    return "Differences of groups"


def _of_many(cells: list[tuple[CellSummary, Groups]]) -> Table:
    rows = [
        [
            cell.label,
            _TITLES[gap.rate],
            f"{gap.first} less {gap.second}",
            estimate(gap.gap, _RATE),
            number(gap.by_chance, _RATE),
        ]
        for cell, groups in cells
        for gap in groups.gaps
    ]
    return Table(["backend", "rate", "groups", "difference", "up to, by chance"], rows, left=3)


def legend() -> list[str]:
    return [
        *(f"{_TITLES[rate]}: {meaning}" for rate, meaning in _MEANING.items()),
        "calibration: mean probability less the mean label; 0 is right on average",
        "same text: what changes where a text speaks of the other group and is otherwise the same",
        "Intervals are over the examples of this training: another seed moves these figures too.",
        "With unequal shares of positive labels no model can have parity, equal rates and"
        " calibration at once, so there is no one score of fairness here; and none of these"
        " figures is a legal finding.",
    ]
