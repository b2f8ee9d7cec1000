"""The first screen: five questions, each with a short answer that leads to its section."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import memory
from compare.findings.speed import Comparison
from compare.findings.summary import Summary
from compare.records.values import Estimate

from .. import forms, repeat
from .. import words as general
from ..answers import chaos

_MOST_NAMED = 4  # backends in one sentence


class Answer(NamedTuple):
    """`lead` is the answer in a word or two, `rest` goes on in the same sentence; `section` is
    where the page has it at length. A `code` is shown as what it is, and can be copied."""

    question: str
    section: str
    lead: str
    rest: str = ""
    code: str = ""


def answers(summary: Summary) -> list[Answer]:
    so_far = " so far" if summary.progress else ""
    return [
        Answer(f"Which is faster{so_far}, and by how much?", "speed", *_speed(summary)),
        Answer("Can I trust it?", "trust", *_trust(summary)),
        Answer("Did they learn the same?", "same", *_same(summary)),
        Answer("What does it take in memory?", "memory", *_memory(summary)),
        Answer("How do I repeat it?", "repeat", "", code=repeat.command(summary)),
    ]


def _speed(summary: Summary) -> tuple[str, str]:
    out = _out(summary.cells)
    lead, rest = _fastest(summary)
    return lead, f"{rest} {out}".rstrip()


def _fastest(summary: Summary) -> tuple[str, str]:
    if not summary.comparisons:
        timed = [cell.label for cell in summary.cells if cell.tokens_per_second]
        if len(timed) == 1:
            return timed[0], " was timed alone: there is nothing to compare it with."
        return "No two backends", " were timed together: there is nothing to compare."
    if all(one.verdict == "not judged" for one in summary.comparisons):
        reasons = dict.fromkeys(one.why for one in summary.comparisons)
        return "Not judged:", f" {next(iter(reasons))}."
    first = next((c.label for c in summary.cells if c.is_fastest), summary.comparisons[0].first)
    pairs = [one for one in summary.comparisons if one.first == first]
    slower = sorted(_of(pairs, "faster"), key=lambda one: one.ratio.value)
    tied, open_ = ([one.second for one in _of(pairs, v)] for v in ("not separated", "not judged"))
    parts = list[str]()
    more = len(slower[_MOST_NAMED:])
    ahead = _and(list(_faster_than(slower[:_MOST_NAMED])), more) if slower else ""
    if tied:
        held = f" is not separated from {_and(tied)}"
        parts.append(f"{held}, and {ahead}" if ahead else held)
    elif ahead:
        parts.append(f" is fastest: {ahead}")
    if open_:
        held = f"not judged against {_and(open_[:_MOST_NAMED], len(open_[_MOST_NAMED:]))}"
        parts.append(held if parts else f" is {held}")
    return first, f"{'; '.join(parts)}."


def _faster_than(pairs: Sequence[Comparison]) -> Iterator[str]:
    """Such as "1.8% (0.3–3.3%) faster than b", and then "3.6% (1.8–5.5%) than c"."""
    before = ""
    for one in pairs:
        ratio = one.ratio
        if ratio.value < 2:
            amount, how = f"{100 * (ratio.value - 1):.1f}%{_ends(ratio, True)}", "faster than"
        else:
            amount, how = f"{ratio.value:.2f}{_ends(ratio, False)}", "times as fast as"
        yield f"{amount} {'than' if how == before == 'faster than' else how} {one.second}"
        before = how


def _ends(ratio: Estimate, in_percent: bool) -> str:
    if not ratio.low or not ratio.high:
        return ""
    if in_percent:
        return f" ({100 * (ratio.low - 1):.1f}–{100 * (ratio.high - 1):.1f}%)"
    return f" ({ratio.low:.2f}–{ratio.high:.2f})"


def _out(cells: Sequence[CellSummary]) -> str:
    """Who has no place in it, and why in a word."""
    left = [f"{cell.label} ({cell.status})" for cell in cells if cell.status not in _WELL]
    more = len(left[_MOST_NAMED:])
    return f"Left out: {_and(left[:_MOST_NAMED], more)}." if left else ""


def _trust(summary: Summary) -> tuple[str, str]:
    grave = [note for note in summary.notes if note.grade == "breaks"]
    stands_on = general.trust(summary)
    if summary.progress:
        return "Not yet:", f" the run goes on{f'; so far, {stands_on}' if stands_on else ''}."
    if grave:
        more = f" ({len(grave) - 1} more)" if len(grave) > 1 else ""
        first = grave[0].model_copy(update={"remedy": ""})
        return "No:", f" {first}{more}."
    if not stands_on:
        return "There is no verdict", " to be trusted."
    wider = sum(note.grade == "widens" for note in summary.notes)
    held = {0: "", 1: " One note says what makes intervals wider."}.get(
        wider, f" {wider} notes say what makes intervals wider."
    )
    # Few rounds, stalls, a precision that was not reached are notes that widen.
    firm = not wider and general.machine_was_watched(summary)
    return "Yes:" if firm else "In part:", f" {stands_on}.{held}"


def _same(summary: Summary) -> tuple[str, str]:
    outside = [cell.label for cell in summary.cells if cell.status == "parity_failed"]
    if outside:
        return "Not all:", f" {_and(outside)} left the others.{_reached(summary.cells)}"
    compared = [cell for cell in summary.cells if cell.loss_differences]
    if not compared:
        trained = sum(bool(cell.losses) for cell in summary.cells)
        lead = "One backend trained alone." if trained == 1 else "Losses were not compared."
        return lead, _reached(summary.cells)
    shares = [c.loss_difference_share for c in compared if c.loss_difference_share is not None]
    if not any(cell.max_loss_difference for cell in compared):
        return "Yes,", f" to the last bit, at every step.{_reached(summary.cells)}"
    within = f"within {max(shares):.2f} of what rounding allows" if shares else "as far as rounding"
    return "Yes:", f" {within}, at every step{chaos(summary)}.{_reached(summary.cells)}"


def _reached(cells: Sequence[CellSummary]) -> str:
    """Of those that went well, the validation loss and the first metric."""
    found = [f"{name} {text}" for name, text in _figures(cells) if text]
    return f" {', '.join(found)}." if found else ""


def _figures(cells: Sequence[CellSummary]) -> Iterator[tuple[str, str]]:
    well = [cell for cell in cells if cell.status in _WELL]
    losses = [cell.validation_loss for cell in well if cell.validation_loss is not None]
    yield "Validation loss", _range([f"{loss:.4f}" for loss in sorted(losses)])
    metrics = dict.fromkeys(name for cell in well for name in cell.quality)
    for name in list(metrics)[:1]:
        values = sorted(cell.quality[name].value for cell in well if name in cell.quality)
        yield name, _range(forms.scores(values))


def _range(texts: Sequence[str]) -> str:
    """Of figures in their order: one for all, or from the first to the last."""
    if not texts:
        return ""
    if texts[0] != texts[-1]:
        return f"{texts[0]} to {texts[-1]}"
    return f"{texts[0]} on all" if len(texts) > 1 else texts[0]


def _memory(summary: Summary) -> tuple[str, str]:
    on_device = {
        cell.label: cell.device_peak_memory_bytes
        for cell in summary.cells
        if cell.device_peak_memory_bytes
    }
    host = {c.label: c.peak_memory_bytes for c in summary.cells if c.peak_memory_bytes}
    if not host and not on_device:
        return "Not measured.", ""
    alone = {cell.label for cell in summary.cells if cell.ranks == 1}
    held = on_device or host
    # A sum over ranks stands beside no single process.
    lead, rest = _least_and_most({k: v for k, v in held.items() if k in alone} or held)
    where = " of the device" if on_device else ""
    return lead, f"{where}, at the peak of its training{rest}"


def _least_and_most(held: dict[str, int]) -> tuple[str, str]:
    least, most = min(held, key=held.__getitem__), max(held, key=held.__getitem__)
    if len(held) == 1:
        return f"{least} {memory(held[least])}", "."
    if memory(held[least]) == memory(held[most]):
        return f"{memory(held[least])} on all", "."
    times = held[most] / held[least]
    return (
        f"{least} takes the least, {memory(held[least])}",
        f"; {most} the most, {memory(held[most])}, {times:.1f} times as much.",
    )


_WELL = ("ok", "running")


def _of(pairs: Sequence[Comparison], verdict: str) -> list[Comparison]:
    return [one for one in pairs if one.verdict == verdict]


def _and(texts: Sequence[str], more: int = 0) -> str:
    parts = [*texts, *([f"{more} more"] if more > 0 else [])]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
