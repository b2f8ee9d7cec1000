"""How groups fare, in words and as tables: signed differences, and no score of fairness."""

from collections.abc import Iterator

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import estimate, number
from compare.findings.summary import Summary
from compare.records.groups import Groups

from .table import Table

_SIGNED, _RATE = "{:+.3f}", "{:.3f}"
_MEANING = {
    "selection": "share that is given the positive class (demographic parity)",
    "tpr": "the same of those whose label is positive (equal opportunity)",
    "fpr": "the same of those whose label is not (with the one above: equalised odds)",
    "accuracy": "share of right answers",
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
        texts = " to ".join(
            dict.fromkeys(_SIGNED.format(v) for v in (min(gaps.values()), max(gaps.values())))
        )
        positive = cells[0][1].positive
        yield f"Share that is given '{positive}', {one.first} less {one.second}: {texts}."
        if len(gaps) > 1:
            yield f"Frameworks differ in that by {_RATE.format(spread)}{_rounding(summary, gaps)}."
    yield from dict.fromkeys(note for _, groups in cells for note in groups.notes)


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
            number(rates.calibration, _SIGNED),
            number(rates.auroc, _RATE),
        ]
        for cell, groups in known(summary)
        for rates in groups.rates
    ]
    columns = ["backend", "group", "examples", "positive", "selection", "TPR", "FPR", "accuracy"]
    return Table([*columns, "calibration", "AUROC"], rows, left=2) if rows else None


def gaps_table(summary: Summary) -> Table | None:
    """A row per backend and rate, signed, with intervals over the examples."""
    rows = []
    for cell, groups in known(summary):
        for gap in groups.gaps:
            by_chance = number(gap.by_chance, _RATE)
            pair = f"{gap.first} less {gap.second}"
            rows.append([cell.label, gap.rate, pair, estimate(gap.gap, _SIGNED), by_chance])
        if groups.twins:
            of = f"{groups.twins.count:,} twins"
            for name in ("probability", "selection", "flips"):
                figure = estimate(getattr(groups.twins, name), _SIGNED)
                rows.append([cell.label, f"{name}, same text", of, figure, number(None, "")])
    columns = ["backend", "rate", "groups", "difference", "chance alone"]
    return Table(columns, rows, left=3) if rows else None


def legend() -> list[str]:
    return [
        *(f"{rate}: {meaning}" for rate, meaning in _MEANING.items()),
        "calibration: mean probability less the mean label; 0 is right on average",
        "same text: what changes where a text speaks of the other group and is otherwise the same",
        "With unequal shares of positive labels no model can have parity, equal rates and"
        " calibration at once, so there is no one score of fairness here; and none of these"
        " figures is a legal finding.",
    ]
