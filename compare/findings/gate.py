"""The parity gate over a run: losses at every step, the validation loss, and what was predicted."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from compare.findings import parity
from compare.findings.cell_summary import CellSummary
from compare.findings.cells import Cell
from compare.records.record_types import AnyRecord, CellRecord, Echoed, Header
from compare.records.values import CellName


class Gate(NamedTuple):
    """What was allowed. `steps`: the largest relative difference at each step; `validation`: of
    the validation loss, None where none was compared; `echo_outputs`: how many outputs of the echo
    differ from those of the cell that it repeats, and `outputs` of how many."""

    steps: list[float]
    validation: float | None
    echo_outputs: int | None
    outputs: int


def hold(
    cells: Sequence[Cell],
    rows: Sequence[CellSummary],
    records: Sequence[AnyRecord],
    header: Header,
) -> Gate:
    """Mark the rows that are outside, with the reason; and tell how far all are from each other."""
    experiment = header.experiment
    curves = {cell.name: cell.losses() for cell in cells if cell.losses()}
    echo = next((r.cell for r in records if isinstance(r, CellRecord) and r.cell.echo), None)
    repeated = Cell(echo, records) if echo else None
    if echo and repeated:
        curves[echo] = repeated.losses()
    again = [record.losses for record in records if isinstance(record, Echoed)]
    precision, comparable = experiment.train.dtype, experiment.losses_are_comparable()
    verdict = parity.judge(curves, header.oracles, precision, comparable, again)
    for cell, row in zip(cells, rows, strict=True):
        row.max_loss_difference = verdict.worst(cell.name)
        row.loss_differences = list(verdict.differences.get(cell.name, ()))
        row.loss_difference_share = _share(verdict, cell.name)
        if cell.name in verdict.reasons:
            _outside(row, verdict.reasons[cell.name], header, repeated)
    by_name = {cell.name: cell for cell in cells}
    original = by_name.get(echo.model_copy(update={"echo": False})) if echo else None
    steps = experiment.train.steps
    validation = None
    if comparable:
        measured = parity.tail([curves.get(original.name, ())] if original else [],
                               [curves[echo], *again] if echo else [])  # fmt: skip
        losses = [_loss(one, steps) for one in (original, repeated)]
        validation = _hold_validation(rows, losses, measured, verdict, header, repeated)
    _count_outputs(cells, rows, steps)
    echoed = [_outputs(one, steps) for one in (original, repeated)]
    return Gate(
        list(verdict.allowed), validation, _differing(*echoed),
        max((len(_outputs(cell, steps)) for cell in cells), default=0),
    )  # fmt: skip


def _hold_validation(
    rows: Sequence[CellSummary],
    echo: Sequence[float | None],
    tail: float | None,
    verdict: parity.Verdict,
    header: Header,
    repeated: Cell | None,
) -> float | None:
    """The validation losses of those that are inside so far; what was allowed."""
    passed = [row for row in rows if row.status == "ok" and row.validation_loss is not None]
    if len(passed) < 2:
        return None
    allowed = parity.validation_allowance(
        echo, tail, verdict.allowed, header.experiment.train.dtype
    )
    names = [CellName(backend=row.backend, mode=row.mode, ranks=row.ranks) for row in passed]
    losses = {n: [row.validation_loss or 0.0] for n, row in zip(names, passed, strict=True)}
    found = parity.held(losses, np.array([allowed]), header.oracles, "the validation loss")
    for name, row in zip(names, passed, strict=True):
        row.validation_difference = found.worst(name)
        share = (row.validation_difference or 0.0) / allowed
        row.loss_difference_share = max(row.loss_difference_share or 0.0, share)
        if name in found.reasons:
            _outside(row, found.reasons[name], header, repeated)
    return allowed


def _outside(row: CellSummary, reason: str, header: Header, echo: Cell | None) -> None:
    if row.status != "ok":
        return
    if echo and echo.end().status == "failed":
        reason += (
            "; the echo, which measures what rounding allows here, failed: compare resume plays it"
            " again, and may find this one inside"
        )
    row.status = "parity_failed"
    row.reason = reason
    if parity.UNTOLD in reason:
        row.reason += f"; `{_command_that_tells(header)}` tells"


def _command_that_tells(header: Header) -> str:
    backends = dict.fromkeys(cell.backend for cell in header.cells)
    asked = header.request.backends if header.request else []
    return f"compare audit --task {header.experiment.task} --backend {','.join(asked or backends)}"


def _share(verdict: parity.Verdict, cell: CellName) -> float | None:
    """The largest difference at any step over what was allowed there."""
    found = verdict.differences.get(cell)
    if found is None or not len(found):
        return None
    worst = float((found / verdict.allowed[: len(found)]).max())
    return worst if math.isfinite(worst) else None


def _count_outputs(cells: Sequence[Cell], rows: Sequence[CellSummary], steps: int) -> None:
    """The most outputs that differ between each row and another that passed."""
    found = {
        cell.name: _outputs(cell, steps)
        for cell, row in zip(cells, rows, strict=True)
        if row.status == "ok"
    }
    for cell, row in zip(cells, rows, strict=True):
        row.outputs_differing = _most(_outputs(cell, steps), cell.name, found)


def _most(mine: list[str], name: CellName, others: Mapping[CellName, list[str]]) -> int | None:
    counts = [_differing(mine, theirs) for other, theirs in others.items() if other != name]
    return max((count for count in counts if count is not None), default=None)


def _differing(mine: list[str], theirs: list[str]) -> int | None:
    """How many of as many outputs; None where there are none to hold against each other."""
    if not mine or len(mine) != len(theirs):
        return None
    return sum(a != b for a, b in zip(mine, theirs, strict=True))


def _outputs(cell: Cell | None, steps: int) -> list[str]:
    evaluated = cell.evaluated(steps) if cell else None
    return evaluated.outputs if evaluated else []


def _loss(cell: Cell | None, steps: int) -> float | None:
    evaluated = cell.evaluated(steps) if cell else None
    return evaluated.loss if evaluated else None
