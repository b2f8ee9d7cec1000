"""The audit: every backend against the oracle, in float64, number by number.

For each cell: the initial logits, the gradient of every parameter, the loss of every one of N
steps, and the weights after them; in float64, where texts have groups, also every decision with the
oracle's trained weights, since equal decisions are equal figures. In float64 two correct
implementations agree to about 1e-15; a mistake as small as a constant that passed through float32
shows as 1e-8. In lower precision the measure is the cell's own rounding: the same cell, trained as
the gate's echo is.

Some parameters have no gradient but rounding: softmax does not feel the bias of a key. Adam
divides that by its own size, so the weight wanders. Where in float64 nothing but weights is off,
each array is therefore also allowed what the oracle's rounding, measured by its echo, makes of it.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from compare.contracts.backend import Device
from compare.findings.parity import MARGIN
from compare.planning.choice import Choice
from compare.planning.devices import choose_device
from compare.planning.plan import Plan
from compare.ranks.causes import FirstSteps, cause
from compare.ranks.processes import Player, RankProcesses, start
from compare.records.record_types import Status
from compare.records.values import labelled
from compare.spec.arrays import Array
from compare.spec.inputs import Dataset, read_arrays, write_arrays, write_inputs
from compare.worker.losses import valid_targets
from compare.worker.process import CellEnded
from compare.worker.shares import rows_of

TOLERANCES = {"logits": 1e-12, "gradients": 1e-12, "losses": 1e-10, "weights": 1e-10}
"""Largest difference in float64, relative to the largest value of the array."""

# Least difference in float32, where the cell's own rounding happens to be smaller still.
_FLOOR = 1e-6
_PROBED = ("logits", "gradients", "weights")
_TRAINED = "trained.npz"  # weights, by the oracle


class Check(BaseModel):
    """One kind of number of one cell: its worst relative difference and where that is."""

    worst: float | None
    allowed: float
    where: str
    passed: bool


class Audited(BaseModel):
    """One cell of an audit. Without `checks` it could not be audited; `reason` says why."""

    backend: str
    mode: str
    ranks: int = 1
    status: Status
    reason: str = ""
    checks: dict[str, Check] = {}

    @property
    def label(self) -> str:
        return labelled(self.backend, self.mode, self.ranks)


Numbers = Mapping[str, Mapping[str, Array]]
"""What a cell computed: kind ("logits", ...) -> name -> array"""


class _Measured(NamedTuple):
    """`began` is where there are ranks: what tells why they compute something else."""

    numbers: Numbers
    began: FirstSteps | None


def audit_cells(
    plan: Plan, oracle: Choice, watch: Callable[[str, int, int], None]
) -> list[Audited]:
    """Audit every cell of a plan against the oracle; `watch` is told what begins, how much is done
    and of how much.

    Raises CellEnded if the oracle itself cannot play.
    """
    trainings = 1 + len(plan.choices)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_inputs(folder / "inputs", plan.experiment, plan.weights, plan.prepared.arrays)
        watch(f"the oracle, {oracle.cell.label}", 0, trainings)
        expected = _measure(plan, oracle, folder)
        write_arrays(folder / _TRAINED, expected.numbers["weights"])

        @cache  # few audits need it
        def wandering() -> Mapping[str, float]:
            watch(f"the oracle's own rounding, {oracle.cell.label}", len(found), trainings)
            echo = _measure(plan, oracle, folder, perturb=True).numbers
            apart = _apart(echo["weights"], expected.numbers["weights"])
            return {name: MARGIN * worst for name, (worst, _) in apart.items()}

        found = list[Audited]()
        for choice in plan.choices:
            watch(f"auditing {choice.cell.label}", 1 + len(found), trainings)
            found.append(_audit_one(plan, choice, folder, expected, wandering))
    return found


def _audit_one(
    plan: Plan,
    choice: Choice,
    folder: Path,
    right: _Measured,
    wandering: Callable[[], Mapping[str, float]],
) -> Audited:
    cell, expected = choice.cell, right.numbers
    name: dict[str, Any] = {"backend": cell.backend, "mode": cell.mode, "ranks": cell.ranks}
    try:
        numbers, began = _measure(plan, choice, folder)
        allowed = TOLERANCES
        if plan.experiment.train.dtype != "fp64":
            allowed = _rounding(numbers, _measure(plan, choice, folder, perturb=True).numbers)
    except CellEnded as end:
        return Audited(**name, status=end.status, reason=end.reason)
    checks = {kind: _compare(numbers[kind], expected[kind], allowed[kind]) for kind in TOLERANCES}
    off = [kind for kind, check in checks.items() if not check.passed]
    if off == ["weights"] and plan.experiment.train.dtype == "fp64":
        checks["weights"] = _compare(
            numbers["weights"], expected["weights"], allowed["weights"], wandering()
        )
    if "decisions" in expected:
        checks["decisions"] = decided(numbers["decisions"][""], expected["decisions"][""])
    outside = [f"{kind} {c.where}" for kind, c in checks.items() if not c.passed]
    if not outside:
        return Audited(**name, status="ok", checks=checks)
    # The kinds are in the order in which they are computed: the first is nearest to the cause.
    reason = f"first seen in {outside[0]}"
    if why := _why(plan, folder, cell.ranks, began, right.began):
        reason += f"; likely: {why}"
    return Audited(**name, status="parity_failed", reason=reason, checks=checks)


def _why(
    plan: Plan, folder: Path, ranks: int, found: FirstSteps | None, right: FirstSteps | None
) -> str:
    """What several ranks do wrong, as far as their first steps tell."""
    if found is None or right is None or ranks == 1:
        return ""
    batch = Dataset(folder / "inputs", plan.experiment.splits["train"]).batch(0)
    targets = [valid_targets(rows_of(batch, rank, ranks)) for rank in range(ranks)]
    return cause(found, right, plan.weights, targets, plan.experiment)


def _measure(plan: Plan, choice: Choice, folder: Path, perturb: bool = False) -> _Measured:
    """Play one cell alone and collect what it computes; raises CellEnded if it cannot."""
    cell, run = choice.cell, plan.run
    worker = start(
        cell.ranks, run.timeout, choice.adapter, choice.python, folder / "inputs", folder / "log"
    )
    try:
        worker.hello()
        opened = worker.ask("open", run.timeout, mode=cell.mode, threads=plan.threads)
        devices = [Device(**device) for device in opened["devices"]]
        device = choose_device(run.device, devices, [devices])
        worker.ask("build", run.timeout, device=vars(device), perturb=perturb)
        worker.ask("probe", run.timeout, folder=str(folder))
        began, losses = None, list[float]()
        if any(other.cell.ranks > 1 for other in plan.choices) and plan.experiment.train.steps > 1:
            began, losses = _begin(worker, run.timeout, folder)
        steps = {"first": len(losses), "last": plan.experiment.train.steps}
        losses += worker.ask("train", run.timeout, **steps, untimed=0)["losses"]
        worker.ask("save_weights", run.timeout, path=str(folder / "weights.npz"))
        decisions = _decisions(plan, worker, folder / _TRAINED)
    finally:
        worker.stop()
    probed = {kind: read_arrays(folder / f"{kind}.npz") for kind in _PROBED}
    numbers = {**probed, "losses": {"": np.array(losses, np.float64)}, **decisions}
    return _Measured(numbers, began and began._replace(losses=(losses[0], losses[1])))


def _begin(worker: Player, timeout: float, folder: Path) -> tuple[FirstSteps, list[float]]:
    """Play the first step alone: what it did, the second step's loss left open, and its loss."""
    losses = worker.ask("train", timeout, first=0, last=1, untimed=0)["losses"]
    shares, folders = losses, [folder]
    if isinstance(worker, RankProcesses):
        shares, folders = [one[0] for one in worker.losses], worker.folders
    worker.ask("save_weights", timeout, path=str(folder / "weights.npz"))
    gradients = [read_arrays(one / "gradients.npz") for one in folders]
    weights = read_arrays(folder / "weights.npz")
    began = FirstSteps((losses[0], np.nan), np.array(shares, np.float64), gradients, weights)
    return began, losses


def _decisions(plan: Plan, worker: Player, trained: Path) -> Numbers:
    """The class that each validation text is given, with the weights of a file where it is there;
    nothing in lower precision, or where no text has a group."""
    grouped = any(example.group for example in plan.prepared.examples)
    if not grouped or plan.prepared.decoding or plan.experiment.train.dtype != "fp64":
        return {}
    if trained.exists():  # the oracle's own are there already
        worker.ask("load_weights", plan.run.timeout, path=str(trained))
    found, index, batches = list[Sequence[float]](), 0, 1
    while index < batches:
        answer = worker.ask("outputs", plan.run.timeout, index=index)
        found, index, batches = found + answer["outputs"], index + 1, answer["batches"]
    return {"decisions": {"": np.array(found).argmax(-1)}}


def decided(found: Array, expected: Array) -> Check:
    """How many decisions are other ones."""
    differing = int((found != expected).sum())
    where = f"of {len(expected):,}"
    return Check(worst=differing, allowed=0, where=where, passed=not differing)


def _rounding(numbers: Numbers, echo: Numbers) -> dict[str, float]:
    """What a cell's own rounding amounts to, per kind, times the gate's margin."""
    return {
        kind: max(_FLOOR, MARGIN * max(worst for worst, _ in _apart(echo[kind], arrays).values()))
        for kind, arrays in numbers.items()
    }


def _compare(
    found: Mapping[str, Array],
    expected: Mapping[str, Array],
    allowed: float,
    also: Mapping[str, float] | None = None,
) -> Check:
    """The worst array of one kind; a missing one, or one of another shape, is infinitely off.

    `also` has what is allowed for single arrays, where that is more.
    """
    for name in sorted({*found, *expected}):
        if name not in found or name not in expected:
            where = f"{name} is {'missing' if name not in found else 'not of the model'}"
            return Check(worst=None, allowed=allowed, where=where, passed=False)
        if found[name].shape != expected[name].shape:
            where = f"{name} has shape {found[name].shape}, not {expected[name].shape}"
            return Check(worst=None, allowed=allowed, where=where, passed=False)
    limits = {name: max(allowed, (also or {}).get(name, 0.0)) for name in expected}
    apart = _apart(found, expected)
    name = max(apart, key=lambda name: apart[name][0] / limits[name])
    worst, where = apart[name]
    return Check(
        worst=worst if np.isfinite(worst) else None,
        allowed=limits[name],
        where=where,
        passed=bool(np.isfinite(worst)) and worst <= limits[name],
    )


def _apart(
    found: Mapping[str, Array], expected: Mapping[str, Array]
) -> dict[str, tuple[float, str]]:
    """Of each array the largest difference, over its own largest value, and where that is."""
    apart = {}
    for name, value in expected.items():
        difference = np.abs(found[name].astype(np.float64) - value)
        scale = np.abs(value).max() or 1.0
        relative = np.where(np.isfinite(difference), difference / scale, np.inf)
        at = tuple(int(i) for i in np.unravel_index(int(relative.argmax()), relative.shape))
        apart[name] = float(relative.max()), _place(name, at)
    return apart


def _place(name: str, at: tuple[int, ...]) -> str:
    if not name:  # losses: one array over the steps
        return f"at step {at[0]}"
    return f"of {name} at {list(at)}" if name != "logits" else f"at {list(at)}"
