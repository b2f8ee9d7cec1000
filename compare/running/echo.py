"""The echo: one cell trained once more, rounded otherwise, which shows what rounding alone does."""

from collections.abc import Mapping, Sequence

from compare.findings import parity
from compare.records.record_types import Window
from compare.records.values import CellName
from compare.running.round import Round

TRAININGS = 5  # at most


def start(played: Round) -> None:
    """One more process: the cell that is quickest to start, from perturbed weights."""
    echo = played.quickest_to_start().model_copy(update={"echo": True})
    played.attempt(echo, played.start)
    played.attempt(echo, played.open)
    played.attempt(echo, played.build)
    played.attempt(echo, played.train, "first", 0, 0, 1, 0)


def go_on(played: Round, windows: Mapping[CellName, Sequence[Window]]) -> None:
    """Train the echo again, from other perturbations, while a curve is outside by little.

    Training that amplifies rounding does so in one direction most of all, and by how much depends
    on how far a perturbation lies in it: by luck an echo shows a tenth of what the next one does.
    """
    echo = next((cell for cell in played.workers if cell.echo), None)
    if echo is None:
        return
    own = {
        cell: [window for window in windows[cell] if window.round == played.number]
        for cell in played.workers
        if cell.is_row or cell.echo
    }
    curves = {cell: [loss for w in trained for loss in w.losses] for cell, trained in own.items()}
    pieces = [(w.first_step, w.first_step + len(w.losses)) for w in own[echo]]
    oracles = [choice.cell for choice in played.plan.choices if choice.oracle]
    precision = played.plan.experiment.train.dtype
    for draw in range(2, TRAININGS + 1):
        if not parity.judge(curves, oracles, precision, again=played.echoed).in_doubt():
            return
        played.attempt(echo, played.echo_again, draw, pieces)
