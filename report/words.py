"""What a report says in words: verdicts, warnings, what columns mean, the environment."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from compare.archive.scaling import SweepSummary
from compare.findings.number_text import (
    count_of,
    estimate,
    memory,
    number,
    seconds,
    significant,
)
from compare.findings.summary import Summary

from . import forms
from .judged import sentences_of_data

_MOST_POINTS_NAMED = 4  # of a sweep, in one line
_LEAST = 0.01  # per cent: nothing is known better


def title(summary: Summary) -> str:
    """What was trained, with its settings, in one line."""
    experiment = summary.experiment
    train, optimizer = experiment["train"], experiment["optimizer"]
    parameters = summary.cells[0].parameters if summary.cells else 0
    return (
        f"{experiment['task']} ({summary.preset}) on {experiment['data']['source']}: "
        f"{_model(experiment['model'])}{parameters:,} parameters, "
        f"{train['steps']} steps of {train['batch']} x "
        f"{train['sequence_length']} tokens, {optimizer['name']} {optimizer['learning_rate']:g}, "
        f"{train['dtype']}{_devices(summary)}"
    )


def _devices(summary: Summary) -> str:
    """In the maker's words where the framework tells them, else as the command line writes them."""
    names = dict.fromkeys(c.device_name or c.device for c in summary.cells if c.device)
    return f", on {' and '.join(name for name in names if name)}" if names else ""


def sweep_title(sweep: SweepSummary) -> str:
    axes = " x ".join(f"{field} = {', '.join(map(str, v))}" for field, v in sweep.axes.items())
    played = [point.summary for point in sweep.points if point.summary]
    return f"{title(played[0]) if played else 'nothing played yet'}; swept: {axes}"


def verdicts(summary: Summary) -> list[str]:
    """Who is faster than whom, a line each; at the end the pairs that are not separated, and those
    that cannot be judged, by the reason."""
    lines, apart = list[str](), list[str]()
    unjudged: dict[str, list[str]] = {}
    for one in summary.comparisons:
        if one.verdict == "faster":
            times = estimate(one.ratio, "{:.2f}")
            lines.append(f"{one.first} is {times} times as fast as {one.second}")
        elif one.verdict == "not separated":
            apart.append(f"{one.first} and {one.second}")
        else:
            unjudged.setdefault(one.why, []).append(f"{one.first} and {one.second}")
    if apart:
        lines.append(f"not separated: {'; '.join(apart)}")
    if not lines and len(unjudged) == 1:
        return [f"not judged: {why}" for why in unjudged]
    return [*lines, *(f"not judged, since {why}: {'; '.join(p)}" for why, p in unjudged.items())]


def trust(summary: Summary) -> str:
    """In one line, what the verdicts stand on; empty where there are none."""
    judged = [one for one in summary.comparisons if one.verdict != "not judged"]
    if not judged:
        return ""
    pairs = sorted({one.pairs for one in judged})
    count = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    unit = judged[0].unit
    ends = [(one.ratio.low, one.ratio.high) for one in judged]
    widths = [math.sqrt(high / low) - 1 for low, high in ends if low and high]
    parts = [f"{count} paired {unit}s{_of_processes(summary) if unit == 'window' else ''}"]
    if len(widths) == len(judged):
        which = "every pair" if len(judged) > 1 else "the pair"
        parts.append(f"{which} to {significant(max(100 * max(widths), _LEAST), 2)}%")
    return ", ".join([*parts, _machine(summary)])


def _of_processes(summary: Summary) -> str:
    """Windows of few processes share the luck of these, which no interval has in it."""
    rounds = {place[0] for cell in summary.cells for place in cell.window_places}
    if not rounds:  # a summary that was kept by an older program does not say
        return ""
    return " of one process each" if len(rounds) == 1 else f" of {len(rounds)} processes each"


def machine_was_watched(summary: Summary) -> bool:
    """Whether it is known what else ran."""
    return any(cell.cpus_of_others is not None for cell in summary.cells)


def _machine(summary: Summary) -> str:
    if not machine_was_watched(summary):
        return "what else ran on the machine was not recorded"
    disturbed = sum(len(cell.contended_windows) for cell in summary.cells)
    if not disturbed:
        return "machine quiet"
    timed = sum(len(cell.window_step_seconds) for cell in summary.cells)
    return f"{disturbed} of {timed} windows disturbed"


def gravest(summary: Summary) -> list[str]:
    """The notes that break the verdict: what stands before all figures."""
    return [f"note: {note}" for note in summary.notes if note.grade == "breaks"]


def lesser(summary: Summary) -> list[tuple[str, list[str]]]:
    """All other notes, under the heading of their grade."""
    headings = {"widens": "What makes intervals wider", "record": "For the record"}
    found = [
        (heading, [str(note) for note in summary.notes if note.grade == grade])
        for grade, heading in headings.items()
    ]
    return [(heading, lines) for heading, lines in found if lines]


def first_sentences(summary: Summary) -> list[str]:
    """What a reader should see with the verdicts: what they stand on, troubles, grave notes."""
    said = trust(summary)
    return [*([said] if said else []), *troubles(summary), *gravest(summary)]


def about(summary: Summary) -> list[str]:
    """Ceilings, and what the spec says that a step costs: of the run, not of its cells."""
    return [*_ceilings(summary), *sentences_of_data(summary), *_costs(summary)]


def sweep_sentences(sweep: SweepSummary, points: int | None = None) -> list[str]:
    """The troubles and warnings of every point, or of the first ones, each once."""
    found: dict[str, list[str]] = {}
    played = [point for point in sweep.points[:points] if point.summary]
    for point in played:
        assert point.summary
        notes = (str(note) for note in point.summary.notes if note.grade != "record")
        for line in [*troubles(point.summary), *(f"note: {note}" for note in notes)]:
            found.setdefault(line, []).append(point.name)
    lines = [f"{_of_points(names, len(played))}: {line}" for line, names in found.items()]
    return [*(f"note: {note}" for note in sweep.notes), *lines]


def _of_points(names: Sequence[str], of: int) -> str:
    if 1 < len(names) == of:
        return "every point"
    more = len(names) - _MOST_POINTS_NAMED
    return "; ".join(names[:_MOST_POINTS_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _ceilings(summary: Summary) -> Iterator[str]:
    data = summary.experiment["data"]
    if summary.floor is not None:
        line = f"No model can beat a loss of {summary.floor:.4f} on this data"
        sampled = data.get("validation_floor")
        yield line + (f" ({sampled:.4f} on these validation tokens)." if sampled else ".")
    if summary.ceilings:
        best = ", ".join(f"{name} {value:.4g}" for name, value in summary.ceilings.items())
        if summary.floor is None:  # a user's text
            yield f"What is wanted, as the tokens can write it, scores {best}: the ceiling."
        else:
            yield f"The rule that made these validation examples scores {best}: the ceiling."
    shares = {"training": "truncated_share", "validation": "validation_truncated_share"}
    cut = [f"{data[key]:.1%} of {split}" for split, key in shares.items() if data.get(key)]
    if cut:
        yield f"Cut off at the length that the spec allows: {' and '.join(cut)} examples."


def _costs(summary: Summary) -> Iterator[str]:
    (flop,) = forms.flop([summary.flops_per_step])
    line = f"A step is {flop}"
    if summary.roofline_seconds is not None:
        (peak,) = forms.flop([summary.roofline["flops_per_second"]])
        bandwidth = significant((summary.roofline["bytes_per_second"] or 0) / 1e9)
        line += (
            f", which takes {seconds(summary.roofline_seconds)} or more of this machine as it was"
            f" measured, at {peak}/s and {bandwidth} GB/s"
        )
    yield line + "."
    parts = {k.replace("_", " "): v for k, v in summary.expected_memory.items() if k != "total"}
    held = ", ".join(f"{memory(value)} {name}" for name, value in parts.items())
    yield f"By the spec it holds {memory(summary.expected_memory['total'])}: {held}."


def troubles(summary: Summary) -> list[str]:
    """Who did not go well, and why."""
    return [f"{c.label} {c.status}: {c.reason}" for c in summary.cells if c.reason]


def environment(summary: Summary) -> list[str]:
    """Machine and software, a line each."""
    found, cells = summary.environment, summary.cells
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    about = [f"{name} {found[name]}" for name in ("governor", "hypervisor") if name in found]
    lines = [
        f"{found['cpu']}, {count_of(found['cpus'], 'CPU')}, {memory(found['memory_bytes'])}, "
        + ", ".join([count_of(found["threads"], "thread"), *about]),
        f"{found['system']}, Python {found['python']}" + (f", {versions}" if versions else ""),
    ]
    libraries = {c.label: c.libraries for c in summary.cells if c.libraries}
    lines += [f"{label}: {', '.join(loaded)}" for label, loaded in libraries.items()]
    devices = {(c.device, c.device_name, c.device_memory_bytes, c.device_driver) for c in cells}
    for label, name, held, driver in sorted(devices, key=str):
        if name:
            parts = [f"{label}: {name}", memory(held) if held else "", driver]
            lines.append(", ".join(part for part in parts if part))
    if all(cell.joules_per_step is None for cell in summary.cells):
        lines.append("energy: unavailable, no counter can be read")
    if summary.price_per_hour is not None:
        lines.append(f"cost: at {number(summary.price_per_hour, '{:g}')} per hour")
    lines.append(f"run {summary.run_id}, experiment {summary.fingerprint[:12]}")
    return lines


def _model(model: dict[str, Any]) -> str:
    """The layers that give a model its name: "2 elman layers of 200, "."""
    layers = [*model.get("encoder", ()), *model["layers"]]
    counts: dict[tuple[str, int], int] = {}
    for layer in layers:
        if layer["kind"] == "recurrent":
            like = (f"{layer['cell']} layer", layer["hidden"])
            counts[like] = counts.get(like, 0) + layer["layers"]
        elif layer["kind"] == "transformer_block":
            like = ("transformer block", layer["width"])
            counts[like] = counts.get(like, 0) + 1
    return "".join(f"{count_of(n, name)} of {width}, " for (name, width), n in counts.items())
