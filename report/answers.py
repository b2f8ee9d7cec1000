"""What was trained on what, and whether all computed the same: as short as it can be told."""

from typing import Any

from compare.findings.number_text import count_of
from compare.findings.summary import Summary

from . import forms

_HALF = 0.5
_MUCH = 0.1  # of a loss


def headline(summary: Summary) -> str:
    """What was trained and on what, as short as it can be told."""
    experiment, found = summary.experiment, summary.environment
    parameters = summary.cells[0].parameters if summary.cells else 0
    devices = dict.fromkeys(c.device_name or c.device for c in summary.cells if c.device)
    named = " and ".join(name for name in devices if name)
    threads = f"{count_of(found['threads'], 'thread')} of {found['cpu']}"
    parts = [
        *_kinds(experiment["model"]),
        f"{forms.short_number(parameters)} parameters",
        experiment["train"]["dtype"],
        *([named.upper() if named == "cpu" else named] if named else []),
        threads,
    ]
    data = _name_of_data(experiment["data"]["source"])
    return f"{experiment['task']} ({summary.preset}){data}: {', '.join(parts)}"


def computation(summary: Summary) -> str:
    """Whether all computed the same."""
    outside = [cell.label for cell in summary.cells if cell.status == "parity_failed"]
    inside = [c for c in summary.cells if c.loss_difference_share is not None]
    shares = [c.loss_difference_share or 0.0 for c in inside if c.label not in outside]
    trained = sum(bool(cell.losses) for cell in summary.cells)
    if outside:
        found = f"not all: {', '.join(outside)} left the others"
        found += f", which agree, {_of_allowed(max(shares))}" if len(shares) > 1 else ""
    elif shares:
        found = f"yes, {_of_allowed(max(shares))}"
        found += chaos(summary)
    elif trained == 1:
        found = "not checked, since one backend trained alone"
    else:
        found = "losses were not compared" if trained else "nothing was trained"
    return f"Same computation: {found}."


def chaos(summary: Summary) -> str:
    """From where on a training that is chaotic is allowed as much as a tenth of its loss, where the
    gate proves little; empty where it is not."""
    losses = next((cell.losses for cell in summary.cells if cell.losses), [])
    for step, (loss, allowed) in enumerate(
        zip(losses, summary.allowed_loss_differences, strict=False)
    ):
        if allowed is not None and loss is not None and allowed > _MUCH * abs(loss):
            return f"; from step {step:,} rounding alone may move a loss by a tenth or more"
    return ""


def scores(summary: Summary) -> str:
    """The validation loss, in bits per byte too where texts have bytes, and the metrics: those that
    are the same on all backends, and the others from the lowest to the highest; empty where nothing
    was evaluated."""
    cells = [c for c in summary.cells if c.status == "ok" and c.validation_loss is not None]
    losses = forms.fixed("{:.4f}")([c.validation_loss for c in cells])
    texts = {"validation loss": losses} if cells else {}
    spelt = [c.bits_per_byte for c in cells if c.bits_per_byte is not None]
    texts |= {"bits per byte": forms.fixed("{:.3f}")(spelt)} if spelt else {}
    for name in summary.metrics:
        found = [c.quality[name].value for c in cells if name in c.quality]
        texts |= {name: forms.scores(sorted(found))} if found else {}
    same = [f"{name} {values[0]}" for name, values in texts.items() if len({*values}) == 1]
    on_all = " on all" if len(cells) > 1 else ""
    parts = [f"{', '.join(same)}{on_all}"] if same else []
    for name, values in texts.items():
        if len({*values}) > 1:
            ordered = sorted(values, key=lambda text: float(text.replace(",", "")))
            parts.append(f"{name} {ordered[0]} to {ordered[-1]}")
    line = "; ".join(parts)
    return f"{line[0].upper()}{line[1:]}." if line else ""


def _of_allowed(share: float) -> str:
    """How close the largest difference came to what the gate allows."""
    if share == 0:
        return "to the last bit"
    part = f"1/{round(1 / share):,}" if share < _HALF else f"{share:.0%}"
    return f"at {part} of what rounding allows"


def _name_of_data(source: str) -> str:
    """Of a user's own: the file or folder without the way to it."""
    if source.startswith("generated"):
        return ""
    return f" on {source if ':' in source else source.rstrip('/').rpartition('/')[2]}"


def _kinds(model: dict[str, Any]) -> list[str]:
    """What a model is called: "LSTM"."""
    names = {"elman": "RNN", "gru": "GRU", "lstm": "LSTM"}
    layers = [*model.get("encoder", ()), *model["layers"]]
    kinds = dict.fromkeys(names.get(layer.get("cell", ""), "") for layer in layers)
    if any(layer["kind"] == "transformer_block" for layer in layers):
        kinds["transformer"] = None
    return [kind for kind in kinds if kind]
