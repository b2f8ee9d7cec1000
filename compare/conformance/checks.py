"""The conformance checks of `compare check-backend`, run inside the adapter's own process.

Small models of every kind of layer, every optimiser: what the adapter computes is held against
the oracle in float64, to 1e-12. A check that cannot be made because the adapter says
Unsupported is skipped; what is wrong is told with the parameter, expected, found and the
usual causes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from compare.conformance.adapter_errors import AdapterError, require_trainer
from compare.conformance.allclose import Wrong, first_of, part_of, same, same_all, train, undropped
from compare.conformance.cases import (
    BATCH,
    MODELS,
    MOMENTUM,
    OPTIMIZERS,
    PADDED_TARGETS,
    RATES,
    STEPS,
    TIME,
    small_batches,
    small_experiment,
    small_weights,
)
from compare.conformance.hints import hint_of
from compare.contracts.backend import Backend, Device, Trainer, Unsupported
from compare.contracts.devices import device_of
from compare.errors import one_line
from compare.spec.arrays import Weights
from compare.spec.layers import Embedding
from compare.spec.model import ModelSpec
from compare.spec.parameters import Layer

TOLERANCE = 1e-12
_RECURRENT = [name for name in MODELS if name.startswith(("elman", "lstm", "gru"))]
_FINISHING = ["elman of 2 layers", "lstm of 2 layers", "transformer block"]
# Largest difference of a loss from the float64 oracle, after a few steps of a small model.
_ROUGH = {"fp32": 1e-5, "tf32": 1e-2, "bf16": 5e-2}


class Finding(BaseModel):
    """What one check found; `hint` names the usual causes of its failure."""

    check: str
    status: Literal["passed", "failed", "skipped"]
    detail: str = ""
    hint: str = ""


class Bench:
    """The adapter and the oracle, side by side on small experiments."""

    def __init__(self, backend: Backend, oracle: Backend, device: Device) -> None:
        self.backend, self.oracle, self.device = backend, oracle, device
        self._built: dict[Any, tuple[Trainer, Trainer]] = {}

    def pair(
        self, model: str, optimizer: str = MOMENTUM, **train: Any
    ) -> tuple[Trainer, Trainer, Weights]:
        """Both trainers with the same weights loaded, and these weights.

        Built once for each experiment: building compiles, and `load` starts afresh.
        """
        key = (model, optimizer, *train.items())
        if key not in self._built:
            wanted = small_experiment(MODELS[model], OPTIMIZERS[optimizer], **train)
            ours = self.backend.build(wanted, self.device)
            require_trainer(ours)
            self._built[key] = ours, self.oracle.build(wanted, Device("cpu"))
        ours, theirs = self._built[key]
        weights = small_weights(MODELS[model])
        ours.load(weights)
        theirs.load(weights)
        return ours, theirs, weights


def run_checks(backend: Backend, oracle: Backend, device: str = "") -> Iterator[Finding]:
    """Every check, one after the other, for a backend that was opened, in a process where nothing
    else runs. A backend that cannot be built ends them.

    On the device with this label, or on the backend's first. Raises AdapterError where it has
    none of that label.
    """
    devices = _run("devices", _devices, backend)
    yield devices
    if devices.status == "failed":
        return
    bench = Bench(backend, oracle, _chosen(backend.devices(), device))
    trainer = _run("trainer", _trainer, bench)
    yield trainer
    yield _run("unsupported", _unsupported, backend)
    if trainer.status == "failed":
        return
    for name, check, of in _checks():
        yield _run(f"{name}: {of}", check, bench, of)


def _chosen(devices: Sequence[Device], label: str) -> Device:
    found = device_of(label, devices) if label else devices[0]
    if found is None:
        there = ", ".join(device.label for device in devices)
        raise AdapterError(f"no device {label}: there is {there}")
    return found


def names() -> list[str]:
    """Every check by name, in the order in which `run_checks` makes them."""
    return ["devices", "trainer", "unsupported", *(f"{name}: {of}" for name, _, of in _checks())]


def _run(name: str, check: Callable[..., None], *arguments: Any) -> Finding:
    try:
        check(*arguments)
    except Unsupported as reason:
        return Finding(check=name, status="skipped", detail=f"not supported: {reason}")
    except Wrong as wrong:
        return Finding(check=name, status="failed", detail=str(wrong), hint=hint_of(name))
    except AdapterError as error:
        return Finding(check=name, status="failed", detail=str(error))
    except Exception as error:
        return Finding(check=name, status="failed", detail=one_line(error))
    return Finding(check=name, status="passed")


def _devices(backend: Backend) -> None:
    devices = backend.devices()
    if not devices:
        raise Wrong("devices() is empty: expected at least one Device")
    for device in devices:
        if getattr(device, "kind", None) not in ("cpu", "cuda", "mps"):
            raise Wrong(f"devices() has {device!r}: expected a Device of kind cpu, cuda or mps")
    if not backend.versions():
        raise Wrong("versions() is empty: expected the version of each library that computes")


def _trainer(bench: Bench) -> None:
    """The plainest model builds, and what is built has every method."""
    bench.pair("dense")


class _Unheard(Layer):
    """A layer that no adapter can know."""

    kind: str = "unheard"
    name: str = "unheard"


def _unsupported(backend: Backend) -> None:
    layers = (Embedding(vocab=4, dim=4), _Unheard())
    model = ModelSpec.model_construct(layers=layers)  # type: ignore[arg-type]
    try:
        backend.build(small_experiment(model), backend.devices()[0])
    except Unsupported:
        return
    except Exception as error:
        raise Wrong(f"an unknown layer gives {one_line(error)}: expected Unsupported") from None
    raise Wrong("an unknown layer is built as if it were known: expected Unsupported")


def _round_trip(bench: Bench, model: str) -> None:
    ours, _, weights = bench.pair(model)
    same_all(ours.weights(), weights, "weights() after load()", 0.0)


def _logits(bench: Bench, model: str) -> None:
    ours, theirs, _ = bench.pair(model)
    batch = undropped(small_batches(model))
    same(ours.logits(batch), theirs.logits(batch), "logits", TOLERANCE)


def _other_shapes(bench: Bench, model: str) -> None:
    ours, theirs, _ = bench.pair(model)
    batch = undropped(small_batches(model))
    few = {name: field[:2, : TIME - 1] for name, field in batch.items()}
    same(ours.logits(few), theirs.logits(few), "logits of fewer, shorter rows", TOLERANCE)


def _widths(bench: Bench, model: str) -> None:
    """Batches narrower than those of the call of train before."""
    ours, theirs, _ = bench.pair(model)
    many = small_batches(model)
    narrow = {name: field[:, :, : TIME - 2] for name, field in many.items()}
    for batches in (many, narrow, many):
        losses = train(ours, batches, RATES)
        same(losses, theirs.train(batches, RATES), "losses", 10 * TOLERANCE)


def _gradients(bench: Bench, model: str) -> None:
    ours, theirs, _ = bench.pair(model)
    batch = first_of(small_batches(model))
    same_all(ours.gradients(batch), theirs.gradients(batch), "gradient", TOLERANCE)


def _state(bench: Bench, model: str) -> None:
    """Carried over windows, untouched by logits and gradients, reset by load.

    At a learning rate of 0, so that nothing but the state makes a difference.
    """
    ours, theirs, weights = bench.pair(model)
    many, still = small_batches(model), 0 * RATES
    expected = theirs.train(many, still)
    losses = train(ours, part_of(many, 0, 2), still[:2])
    ours.logits(undropped(many))
    ours.gradients(first_of(many))
    losses += train(ours, part_of(many, 2, STEPS), still[2:])
    same(losses, expected, "losses of two windows", TOLERANCE)
    ours.load(weights)
    again = train(ours, many, still)
    same(again, expected, "losses after a second load()", TOLERANCE)


def _finished(bench: Bench, model: str) -> None:
    """train returns when the weights are final, and two runs are the same to the bit."""
    ours, _, weights = bench.pair(model)
    many = small_batches(model)
    first = train(ours, many, RATES)
    at_once = {name: np.array(value) for name, value in ours.weights().items()}
    time.sleep(0.05)
    same_all(ours.weights(), at_once, "weights a moment after train()", 0.0)
    ours.load(weights)
    same(train(ours, many, RATES), first, "losses of a second run", 0.0)
    same_all(ours.weights(), at_once, "weights of a second run", 0.0)


def _optimizer(bench: Bench, optimizer: str) -> None:
    model = "elman of 2 layers" if optimizer in (MOMENTUM, "adam") else "dense"
    _same_steps(*bench.pair(model, optimizer)[:2], model)


def _accumulation(bench: Bench, model: str) -> None:
    """A step's micro-batches, one row each, are one batch: same losses, states and weights."""
    _same_steps(*bench.pair(model, accumulation=BATCH)[:2], model)


def _same_steps(ours: Trainer, theirs: Trainer, model: str) -> None:
    many = small_batches(model)
    for step in range(STEPS):
        batch, rate = part_of(many, step, step + 1), RATES[step : step + 1]
        losses, expected = train(ours, batch, rate), theirs.train(batch, rate)
        same(losses, expected, f"loss of step {step}", 10 * TOLERANCE)
        same_all(ours.weights(), theirs.weights(), f"weights after step {step}", 10 * TOLERANCE)


def _precision(bench: Bench, precision: str) -> None:
    """Weights are float32, losses are as near to float64's as the precision allows, no nearer."""
    if getattr(bench.backend, "oracle", False):
        raise Unsupported("an oracle computes in float64 whatever is asked for")
    ours, theirs, _ = bench.pair("gru of 2 layers", precision=precision)
    for name, value in ours.weights().items():
        if np.asarray(value).dtype != np.float32:
            raise Wrong(f"{name} is {np.asarray(value).dtype}: expected float32 weights")
    many = small_batches("gru of 2 layers")
    same(train(ours, many, RATES), theirs.train(many, RATES), "losses", _ROUGH[precision])
    found, exact = ours.logits(first_of(many)), theirs.logits(first_of(many))
    nearest = float(np.abs(np.asarray(found, np.float64) - exact).max() / np.abs(exact).max())
    least = 1e-5 if precision == "bf16" else 1e-12
    if nearest < least:
        raise Wrong(f"logits are within {nearest:.1e} of float64's: not computed in {precision}")


def _native_dropout(bench: Bench, model: str) -> None:
    """Masks of its own: other ones at every step, and none in logits()."""
    wanted = small_experiment(MODELS[model], dropout_masks="native")
    ours, weights = bench.backend.build(wanted, bench.device), small_weights(MODELS[model])
    ours.load(weights)
    batch = undropped(small_batches(model))
    again = {name: np.stack([field] * STEPS) for name, field in batch.items()}
    losses = train(ours, again, 0 * RATES)
    if len(set(losses)) < STEPS:
        raise Wrong(f"{STEPS} steps on one batch at a rate of 0 have losses {losses}: same masks")
    theirs = bench.pair(model)[1]
    same(ours.logits(batch), theirs.logits(batch), "logits", TOLERANCE)


Checks = Iterator[tuple[str, Callable[[Bench, str], None], str]]


def _checks() -> Checks:
    """Kind of check, the check, and what it is made on."""
    for model in MODELS:
        yield "round trip", _round_trip, model
        yield "logits", _logits, model
        yield "gradients", _gradients, model
        if model in _RECURRENT:
            yield "state", _state, model
        if model in _FINISHING:
            yield "finished", _finished, model
    for optimizer in OPTIMIZERS:
        yield "optimizer", _optimizer, optimizer
    for model in ("lstm of 2 layers", "encoder-decoder"):
        yield "other shapes", _other_shapes, model
        yield "accumulation", _accumulation, model
    yield "widths", _widths, "encoder-decoder"
    yield "accumulation", _accumulation, PADDED_TARGETS
    for precision in _ROUGH:
        yield "precision", _precision, precision
    yield "native dropout", _native_dropout, "dropout"
