"""The conformance checks of `compare check-backend`, run inside the adapter's own process.

Small models of every kind of layer, every optimiser: what the adapter computes is held against
the oracle in float64, to 1e-12. A check that cannot be made because the adapter says
Unsupported is skipped; what is wrong is told with the parameter, expected, found and the
usual causes.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from compare.contracts import Array, Backend, Batches, Device, Trainer, Unsupported, Weights
from compare.errors import one_line
from compare.spec import (
    Dense,
    Embedding,
    Experiment,
    ModelSpec,
    OptimizerSpec,
    Recurrent,
    Spec,
    TrainSpec,
)
from compare.weights import initial_weights

TOLERANCE = 1e-12
_BATCH, _TIME, _VOCAB, _STEPS = 3, 5, 11, 6

# Square kernels, so that a transposed one fits and only its numbers tell.
_EMBEDDING, _HEAD = Embedding(vocab=_VOCAB, dim=4), Dense(name="head", inputs=4, outputs=_VOCAB)
MODELS = {
    "dense": ModelSpec(layers=(_EMBEDDING, _HEAD)),
    "elman of 2 layers": ModelSpec(
        layers=(_EMBEDDING, Recurrent(inputs=4, hidden=4, layers=2), _HEAD)
    ),
    "elman, state not carried": ModelSpec(
        layers=(
            _EMBEDDING,
            Recurrent(inputs=4, hidden=4, layers=1, carry_state=False),
            _HEAD,
        )
    ),
}
_MOMENTUM = "sgd with momentum"
OPTIMIZERS = {
    "adam": OptimizerSpec(name="adam", learning_rate=0.01),
    "adam, large epsilon": OptimizerSpec(name="adam", learning_rate=0.01, epsilon=1e-3),
    "sgd": OptimizerSpec(name="sgd", learning_rate=0.5),
    _MOMENTUM: OptimizerSpec(name="sgd", learning_rate=0.5, momentum=0.9),
}
_RATES = np.array([0.1, 0.1, 0.02, 0.02, 0.3, 0.3])  # a schedule that a folded-in rate shows at


class Finding(BaseModel):
    """What one check found; `hint` names the usual causes of its failure."""

    check: str
    status: Literal["passed", "failed", "skipped"]
    detail: str = ""
    hint: str = ""


class Wrong(Exception):
    """A check failed: what, where, expected and found."""


class Bench:
    """The adapter and the oracle, side by side on small experiments."""

    def __init__(self, backend: Backend, oracle: Backend) -> None:
        self.backend, self.oracle = backend, oracle
        self.device = backend.devices()[0]
        self._built: dict[tuple[str, str], tuple[Trainer, Trainer]] = {}

    def pair(self, model: str, optimizer: str = _MOMENTUM) -> tuple[Trainer, Trainer, Weights]:
        """Both trainers with the same weights loaded, and these weights.

        Built once for each model and optimizer: building compiles, and `load` starts afresh.
        """
        if (model, optimizer) not in self._built:
            wanted = small_experiment(MODELS[model], OPTIMIZERS[optimizer])
            ours = self.backend.build(wanted, self.device)
            self._built[model, optimizer] = ours, self.oracle.build(wanted, Device("cpu"))
        ours, theirs = self._built[model, optimizer]
        weights = small_weights(MODELS[model])
        ours.load(weights)
        theirs.load(weights)
        return ours, theirs, weights


def run_checks(backend: Backend, oracle: Backend) -> list[Finding]:
    """Every check, for a backend that was opened, in a process where nothing else runs."""
    findings = [_run("devices", _devices, backend), _run("unsupported", _unsupported, backend)]
    if findings[0].status == "failed":
        return findings
    bench = Bench(backend, oracle)
    for model in MODELS:
        for name, check in _PER_MODEL.items():
            findings.append(_run(f"{name}: {model}", check, bench, model))
    for optimizer in OPTIMIZERS:
        findings.append(_run(f"optimizer: {optimizer}", _optimizer, bench, optimizer))
    return findings


def names() -> list[str]:
    """Every check by name, in the order in which `run_checks` makes them."""
    per_model = [f"{name}: {model}" for model in MODELS for name in _PER_MODEL]
    return ["devices", "unsupported", *per_model, *(f"optimizer: {name}" for name in OPTIMIZERS)]


def _run(name: str, check: Callable[..., None], *arguments: Any) -> Finding:
    try:
        check(*arguments)
    except Unsupported as reason:
        return Finding(check=name, status="skipped", detail=f"not supported: {reason}")
    except Wrong as wrong:
        hint = HINTS.get(name.split(":")[0], "")
        return Finding(check=name, status="failed", detail=str(wrong), hint=hint)
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


class _Unheard(Spec):
    """A layer that no adapter can know."""

    kind: str = "unheard"


def _unsupported(backend: Backend) -> None:
    model = ModelSpec.model_construct(layers=(_EMBEDDING, _Unheard()))  # type: ignore[arg-type]
    try:
        backend.build(small_experiment(model, OPTIMIZERS["sgd"]), backend.devices()[0])
    except Unsupported:
        return
    except Exception as error:
        raise Wrong(f"an unknown layer gives {one_line(error)}: expected Unsupported") from None
    raise Wrong("an unknown layer is built as if it were known: expected Unsupported")


def _round_trip(bench: Bench, model: str) -> None:
    ours, _, weights = bench.pair(model)
    _same_all(ours.weights(), weights, "weights() after load()", 0.0)


def _logits(bench: Bench, model: str) -> None:
    ours, theirs, _ = bench.pair(model)
    batch = _first(small_batches())
    _same(ours.logits(batch), theirs.logits(batch), "logits", TOLERANCE)


def _gradients(bench: Bench, model: str) -> None:
    ours, theirs, _ = bench.pair(model)
    batch = _first(small_batches())
    _same_all(ours.gradients(batch), theirs.gradients(batch), "gradient", TOLERANCE)


def _state(bench: Bench, model: str) -> None:
    """Carried over windows, untouched by logits and gradients, reset by load.

    At a learning rate of 0, so that nothing but the state makes a difference.
    """
    ours, theirs, weights = bench.pair(model)
    many, still = small_batches(), 0 * _RATES
    expected = theirs.train(many, still)
    losses = _train(ours, _part(many, 0, 2), still[:2])
    ours.logits(_first(many))
    ours.gradients(_first(many))
    losses += _train(ours, _part(many, 2, _STEPS), still[2:])
    _same(losses, expected, "losses of two windows", TOLERANCE)
    ours.load(weights)
    again = _train(ours, many, still)
    _same(again, expected, "losses after a second load()", TOLERANCE)


def _finished(bench: Bench, model: str) -> None:
    """train returns when the weights are final, and two runs are the same to the bit."""
    ours, _, weights = bench.pair(model)
    first = _train(ours, small_batches(), _RATES)
    at_once = {name: np.array(value) for name, value in ours.weights().items()}
    time.sleep(0.05)
    _same_all(ours.weights(), at_once, "weights a moment after train()", 0.0)
    ours.load(weights)
    _same(_train(ours, small_batches(), _RATES), first, "losses of a second run", 0.0)
    _same_all(ours.weights(), at_once, "weights of a second run", 0.0)


def _optimizer(bench: Bench, optimizer: str) -> None:
    ours, theirs, _ = bench.pair("elman of 2 layers", optimizer)
    for step in range(_STEPS):
        batch, rate = _part(small_batches(), step, step + 1), _RATES[step : step + 1]
        _train(ours, batch, rate)
        theirs.train(batch, rate)
        _same_all(ours.weights(), theirs.weights(), f"weights after step {step}", 10 * TOLERANCE)


_PER_MODEL: Mapping[str, Callable[[Bench, str], None]] = {
    "round trip": _round_trip,
    "logits": _logits,
    "gradients": _gradients,
    "state": _state,
    "finished": _finished,
}

HINTS = {
    "unsupported": "end the choice of layers with `raise Unsupported(layer.kind)`",
    "round trip": "a kernel is transposed on the way in and not on the way out, or a copy is"
    " missing: weights() must not share memory with what is trained",
    "logits": "a kernel transposed (canonical is (inputs, outputs)), a second bias that is not"
    " zero, float32 on the way (set the framework's float64 switch), a recurrent state that is"
    " not zero",
    "gradients": "the loss is not the mean over all tokens, an embedding's sparse gradient is not"
    " summed over repeated tokens, a parameter is missing from the tape",
    "state": "the state is not carried from batch to batch, or carried where carry_state is"
    " False; logits() or gradients() changed it; load() did not reset it",
    "finished": "train() returned before the device had finished, it is not deterministic, or"
    " load() left the optimiser's moments",
    "optimizer": "epsilon inside the root or before bias correction, float32 constants, a learning"
    " rate that is folded into the momentum buffer or not taken from `learning_rates`, two"
    " trainable biases, a gradient that flows into the carried state",
}


def small_experiment(model: ModelSpec, optimizer: OptimizerSpec) -> Experiment:
    """An experiment in float64 over `small_batches`."""
    train = TrainSpec(batch=_BATCH, sequence_length=_TIME, steps=_STEPS, precision="fp64")
    return Experiment.model_construct(
        task="conformance", model=model, optimizer=optimizer, train=train, splits={}, data={},
        data_sha256="", weights_sha256="",
    )  # fmt: skip


def small_weights(model: ModelSpec) -> Weights:
    """Weights whose biases are not zero."""
    random = np.random.default_rng(1)
    drawn = initial_weights(model, seed=1)
    return {n: (v + random.normal(0, 0.3, v.shape)).astype(np.float32) for n, v in drawn.items()}


def small_batches() -> Batches:
    """Batches of the small experiments: fields (6, 3, 5) int32."""
    # Few words, so that every batch has repeats: an embedding's gradient must add them up.
    tokens = np.random.default_rng(0).integers(0, 4, (_STEPS, _BATCH, _TIME + 1)).astype(np.int32)
    return {"inputs": tokens[..., :-1], "targets": tokens[..., 1:]}


def _first(many: Batches) -> Batches:
    return {name: field[0] for name, field in many.items()}


def _part(many: Batches, begin: int, end: int) -> Batches:
    return {name: field[begin:end] for name, field in many.items()}


def _train(trainer: Trainer, many: Batches, rates: Array) -> list[float]:
    losses = np.asarray(trainer.train(many, rates), np.float64)
    if losses.shape != (len(rates),):
        raise Wrong(f"train() returned losses of shape {losses.shape}: expected ({len(rates)},)")
    return [float(loss) for loss in losses]


def _same_all(found: Weights, expected: Weights, what: str, tolerance: float) -> None:
    for name in expected:
        if name not in found:
            raise Wrong(f"{what}: {name} is missing")
        _same(found[name], expected[name], f"{what}: {name}", tolerance)
    for name in found:
        if name not in expected:
            raise Wrong(f"{what}: {name} is not a parameter of the model")


def _same(found: Any, expected: Any, what: str, tolerance: float) -> None:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise Wrong(f"{what}: found shape {found.shape}, expected {expected.shape}")
    off = np.abs(found - expected) / (np.abs(expected).max() or 1.0)
    off = np.where(np.isfinite(found), off, np.inf)
    if off.max() > tolerance:
        at = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape))
        raise Wrong(
            f"{what} at {list(at)}: found {found[at]:.10g}, expected {expected[at]:.10g},"
            f" off by {off.max():.1e} of the largest value"
        )
