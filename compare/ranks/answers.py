"""One answer, of those that the ranks of a cell gave to the same question."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from compare.spec.inputs import read_arrays, write_arrays
from compare.worker.channel import Message

Answers = Sequence[Message]

_ADDED_UP = (
    "tokens", "peak_bytes", "device_peak_bytes", "children_peak_bytes", "cpu_seconds",
    "busy_threads", "involuntary_switches", "voluntary_switches", "others_cpu_seconds",
    "queue_seconds", "steal_seconds",
)  # fmt: skip
_OF_THE_MACHINE = ("joules", "pressure_seconds", "group_pressure_seconds", "wire_bytes")
"""The same on every rank, but for when it looked: the most counts"""


def opened(answers: Answers) -> Message:
    """As long as the slowest, as large as all of them."""
    return {
        **answers[0],
        "seconds": max(one["seconds"] for one in answers),
        "memory_bytes": sum(one["memory_bytes"] for one in answers),
    }


def slowest(answers: Answers) -> Message:
    return {**answers[0], "seconds": max(one["seconds"] for one in answers)}


def trained(answers: Answers) -> Message:
    """A window: the losses are the ranks' shares added up in their order, in float64; the seconds
    those of the slowest."""
    seconds = [one["seconds"] for one in answers]
    found = dict(answers[seconds.index(max(seconds))])
    shares = np.array([one["losses"] for one in answers], np.float64)
    found["losses"] = [float(loss) for loss in sum(shares, np.zeros(1))]
    found["lead_seconds"] = max(one["lead_seconds"] for one in answers)
    found["rank_seconds"] = seconds
    # They take it at the same time: what one took is what all waited for.
    found["grown_bytes"] = _over(max, [one.get("grown_bytes") for one in answers])
    found["rank_peak_bytes"] = [one["peak_bytes"] for one in answers]
    for name in _ADDED_UP:
        found[name] = _over(sum, [one.get(name) for one in answers])
    for name in _OF_THE_MACHINE:
        found[name] = _over(max, [one.get(name) for one in answers])
    return found


def process_peaks(answers: Answers) -> Message:
    return {"process_peak_bytes": sum(one["process_peak_bytes"] for one in answers)}


def _over(of: Callable[[list[float]], float], values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return of(known) if len(known) == len(values) else None


def probed(folders: Sequence[Path]) -> None:
    """Into the folder of all, of the rank's own `folders`: the logits of their rows one after the
    other, and their gradients added up, which are the whole batch's where each rank divided by
    the targets of the whole."""
    into = folders[0].parent
    logits = [read_arrays(folder / "logits.npz")["logits"] for folder in folders]
    write_arrays(into / "logits.npz", {"logits": np.concatenate(logits)})
    gradients = [read_arrays(folder / "gradients.npz") for folder in folders]
    total = {name: np.sum([one[name] for one in gradients], 0) for name in gradients[0]}
    write_arrays(into / "gradients.npz", total)
