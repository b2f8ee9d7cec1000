"""The checks of numbers: what an adapter computes, held against the oracle in float64, to 1e-12.

Each takes the bench and the case that it is made on, and raises Wrong.
"""

import time

import numpy as np

from compare.conformance.bench import Bench, first_of, part_of, train, undropped
from compare.conformance.cases import COMPILED, RATES, STEPS, TIME, Case
from compare.conformance.deviation import Wrong, same, same_all
from compare.contracts.backend import Unsupported
from compare.spec.arrays import Batches

TOLERANCE = 1e-12
ROUGH = {"fp32": 1e-5, "tf32": 1e-2, "bf16": 5e-2}
"""Largest difference of a loss from the float64 oracle, after a few steps of a small model."""


def round_trip(bench: Bench, case: Case) -> None:
    ours, _, weights = bench.pair(case)
    same_all(ours.weights(), weights, "weights() after load()", 0.0)


def logits(bench: Bench, case: Case) -> None:
    ours, theirs, _ = bench.pair(case)
    batch = undropped(case.batches())
    same(ours.logits(batch), theirs.logits(batch), "logits", TOLERANCE)


def other_shapes(bench: Bench, case: Case) -> None:
    ours, theirs, _ = bench.pair(case)
    batch = undropped(case.batches())
    few = {name: field[:2, : TIME - 1] for name, field in batch.items()}
    same(ours.logits(few), theirs.logits(few), "logits of fewer, shorter rows", TOLERANCE)


def widths(bench: Bench, case: Case) -> None:
    """Batches narrower than those of the call of train before."""
    ours, theirs, _ = bench.pair(case)
    many = case.batches()
    narrow = {name: field[:, :, : TIME - 2] for name, field in many.items()}
    for batches in (many, narrow, many):
        losses = train(ours, batches, RATES)
        same(losses, theirs.train(batches, RATES), "losses", 10 * TOLERANCE)


def gradients(bench: Bench, case: Case) -> None:
    ours, theirs, _ = bench.pair(case)
    batch = first_of(case.batches())
    same_all(ours.gradients(batch), theirs.gradients(batch), "gradient", TOLERANCE)


def state(bench: Bench, case: Case) -> None:
    """Carried over windows, untouched by logits and gradients, reset by load.

    At a learning rate of 0, so that nothing but the state makes a difference.
    """
    ours, theirs, weights = bench.pair(case)
    many, still = case.batches(), 0 * RATES
    expected = theirs.train(many, still)
    losses = train(ours, part_of(many, 0, 2), still[:2])
    ours.logits(undropped(many))
    ours.gradients(first_of(many))
    losses += train(ours, part_of(many, 2, STEPS), still[2:])
    same_all(ours.weights(), weights, "weights after steps at a learning rate of 0", 0.0)
    same(losses, expected, "losses of two windows", TOLERANCE)
    ours.load(weights)
    again = train(ours, many, still)
    same(again, expected, "losses after a second load()", TOLERANCE)


def finished(bench: Bench, case: Case) -> None:
    """train returns when the weights are final, and two runs are the same to the bit."""
    ours, _, weights = bench.pair(case)
    many = case.batches()
    first = train(ours, many, RATES)
    at_once = {name: np.array(value) for name, value in ours.weights().items()}
    time.sleep(0.05)
    same_all(ours.weights(), at_once, "weights a moment after train()", 0.0)
    ours.load(weights)
    same(train(ours, many, RATES), first, "losses of a second run", 0.0)
    same_all(ours.weights(), at_once, "weights of a second run", 0.0)


def steps(bench: Bench, case: Case) -> None:
    """One call of train for each step, the weights looked at after each.

    For an optimiser, for a recurrent layer that is trained, and for a step of micro-batches of one
    row each, which has the losses, states and weights of one batch.
    """
    _steps(bench, case, case.batches())


def ranks(bench: Bench, case: Case) -> None:
    """One rank that has the half of a batch: its losses and gradients are sums over the `count` of
    the whole one, which is twice its own targets, and clipped only then."""
    many = dict(case.batches())
    valid = np.asarray(many.get("targets_mask", np.ones(many["targets"].shape)))
    many["count"] = 2.0 * valid.reshape(len(valid), -1).sum(-1)
    _steps(bench, case, many)


def _steps(bench: Bench, case: Case, many: Batches) -> None:
    ours, theirs, before = bench.pair(case)
    for step in range(STEPS):
        batch, rate = part_of(many, step, step + 1), RATES[step : step + 1]
        losses, expected = train(ours, batch, rate), theirs.train(batch, rate)
        same(losses, expected, f"loss of step {step}", 10 * TOLERANCE)
        after, what = theirs.weights(), f"weights after step {step}"
        same_all(ours.weights(), after, what, 10 * TOLERANCE, before)
        before = after


def several_steps(bench: Bench, case: Case) -> None:
    """All steps in one call of train, each at a learning rate of its own."""
    ours, theirs, _ = bench.pair(case)
    many = case.batches()
    losses, expected = train(ours, many, RATES), theirs.train(many, RATES)
    same(losses, expected, f"losses of {STEPS} steps", 10 * TOLERANCE)
    same_all(ours.weights(), theirs.weights(), f"weights after {STEPS} steps", 10 * TOLERANCE)


def compiled(bench: Bench, case: Case) -> None:
    """Training of a large model in a process of its own compiles, by the adapter's own count."""
    before = _times_compiled(bench)
    steps(bench, case)
    after = _times_compiled(bench)
    if after <= before:
        raise Wrong(f"nothing was compiled: details()['{COMPILED}'] is {after} after it as before")


def _times_compiled(bench: Bench) -> int:
    details: dict[str, str] = getattr(bench.backend, "details", dict)()
    if COMPILED not in details:
        raise Unsupported(f"the adapter does not count: details() has no '{COMPILED}'")
    return int(details[COMPILED])


def precision(bench: Bench, case: Case) -> None:
    """Weights are float32, losses are as near to float64's as the precision allows, no nearer."""
    if bench.backend.oracle:
        raise Unsupported("an oracle computes in float64 whatever is asked for")
    wanted = dict(case.train)["dtype"]
    ours, theirs, _ = bench.pair(case)
    for name, value in ours.weights().items():
        if np.asarray(value).dtype != np.float32:
            raise Wrong(f"{name} is {np.asarray(value).dtype}: expected float32 weights")
    many = case.batches()
    same(train(ours, many, RATES), theirs.train(many, RATES), "losses", ROUGH[wanted])
    found, exact = ours.logits(first_of(many)), theirs.logits(first_of(many))
    nearest = float(np.abs(np.asarray(found, np.float64) - exact).max() / np.abs(exact).max())
    least = 1e-5 if wanted == "bf16" else 1e-12
    if nearest < least:
        raise Wrong(f"logits are within {nearest:.1e} of float64's: not computed in {wanted}")


def native_dropout(bench: Bench, case: Case) -> None:
    """Masks of its own: other ones at every step, and none in logits() and gradients()."""
    own = Case(case.model, case.optimizer, (("dropout_masks", "native"),))
    ours, weights = bench.backend.build(own.experiment(), bench.device), case.weights()
    ours.load(weights)
    batch = undropped(case.batches())
    again = {name: np.stack([field] * STEPS) for name, field in batch.items()}
    losses = train(ours, again, 0 * RATES)
    if len(set(losses)) < STEPS:
        raise Wrong(f"{STEPS} steps on one batch at a rate of 0 have losses {losses}: same masks")
    theirs = bench.pair(case)[1]
    same(ours.logits(batch), theirs.logits(batch), "logits", TOLERANCE)
    expected = theirs.gradients(batch)
    same_all(ours.gradients(batch), expected, "gradient of a batch without masks", TOLERANCE)
