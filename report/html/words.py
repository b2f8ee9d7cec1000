"""The answers that a page gives above its plots and tables, in words."""

from compare.findings.summary import Progress, Summary

from .. import words
from ..repeat import without_folders


def heading(summary: Summary) -> str:
    return f"{summary.experiment['task']} ({summary.preset}): {_backends(summary)}"


def trained(summary: Summary) -> str:
    """What was trained, in one line; a file of the author's by its name."""
    source, title = str(summary.experiment["data"].get("source", "")), words.title(summary)
    return title.replace(source, without_folders(source)) if source else title


def progress(of: Progress) -> str:
    """How far it is, how long it took and what is left of its budget."""
    trained = f"step {of.step:,} of {of.steps:,}"
    if of.step >= of.steps:
        trained = f"all {of.steps:,} steps are trained, it measures on"
    parts = [trained, f"{_minutes(of.seconds)} so far"]
    if of.budget_left_seconds is not None:
        parts.append(f"{_minutes(of.budget_left_seconds)} of the budget left")
    return f"{', '.join(parts)}."


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def verdicts(summary: Summary) -> list[str]:
    """Who is faster than whom: of many pairs, those with the fastest. The matrix has all."""
    pairs = summary.comparisons
    if not pairs:
        timed = [cell.label for cell in summary.cells if cell.tokens_per_second]
        if len(timed) == 1:
            return [f"{timed[0]} was timed alone: there is nothing to compare it with."]
        return ["No two backends were timed together: there is nothing to compare."]
    fastest = next((cell.label for cell in summary.cells if cell.is_fastest), "")
    first = [one for one in pairs if fastest in (one.first, one.second)]
    return [
        _sentence(line)
        for line in words.verdicts(summary.model_copy(update={"comparisons": first or pairs}))
    ]


def gravest(summary: Summary) -> list[str]:
    """What breaks the verdict."""
    return [_sentence(str(note)) for note in summary.notes if note.grade == "breaks"]


def lesser(summary: Summary) -> list[tuple[str, list[str]]]:
    """The notes of the other grades, under their headings."""
    return [
        (heading, [_sentence(line) for line in lines]) for heading, lines in words.lesser(summary)
    ]


def troubles(summary: Summary) -> list[str]:
    """Who is not among those compared, and why."""
    return [_sentence(f"{c.label} {c.status}: {c.reason}") for c in summary.cells if c.reason]


def basis(summary: Summary) -> str:
    """What the intervals are made of."""
    if not summary.comparisons:
        return ""
    pairs = sorted({one.pairs for one in summary.comparisons})
    unit = summary.comparisons[0].unit
    count = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    text = f"Each comparison is of {count} pairs of {unit}s, played a moment apart"
    if len(summary.comparisons) > 1:
        text += f", its interval adjusted for {len(summary.comparisons)} comparisons"
    noise = [one.noise for one in summary.comparisons if one.noise is not None]
    if noise:
        text += f"; a backend played twice differed from itself by up to {max(noise):.1%}"
    return f"{text}."


def parity(summary: Summary) -> str:
    """Whether all computed the same."""
    outside = [cell.label for cell in summary.cells if cell.status == "parity_failed"]
    if outside:
        return f"Not all: {', '.join(outside)} left the others, and is out of the ranking."
    compared = [cell for cell in summary.cells if cell.loss_differences]
    if not compared:
        trained = sum(bool(cell.losses) for cell in summary.cells)
        return "One backend trained alone." if trained == 1 else "Losses were not compared."
    worst = max((cell.max_loss_difference or 0.0) for cell in compared)
    if worst == 0:
        return "Yes: all losses are the same to the last bit, at every step."
    return (
        f"Yes: at no step is a loss further than {worst:.1e} of its value from another backend's,"
        " which rounding alone explains."
    )


def specification(summary: Summary) -> list[str]:
    """Ceilings, and what the spec says that a step costs: of the run, not of its cells."""
    return words.about(summary)


def _sentence(text: str) -> str:
    if text.startswith(
        ("not separated", "not judged")
    ):  # a label, which others begin with, stays as it is
        text = f"N{text[1:]}"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _backends(summary: Summary) -> str:
    count = len({(cell.backend, cell.mode) for cell in summary.cells})
    if len(summary.cells) == 1:
        return summary.cells[0].label
    return f"{count} backends compared" if count > 1 else f"{summary.cells[0].backend} on ranks"
