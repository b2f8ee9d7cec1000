"""The conformance checks of `compare check-backend`, run inside the adapter's own process.

Small models of every kind of layer, every optimiser: what the adapter computes is held against
the oracle in float64, to 1e-12. A check that cannot be made because the adapter says
Unsupported is skipped; what is wrong is told with the parameter, expected, found and the
usual causes.
"""

import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

from compare.conformance import contract_checks, numeric_checks
from compare.conformance.adapter_errors import AdapterError, told
from compare.conformance.bench import Bench, Check
from compare.conformance.cases import (
    BATCH,
    COMPILED,
    LARGE,
    MODELS,
    OPTIMIZERS,
    PADDED_TARGETS,
    Case,
)
from compare.conformance.deviation import Wrong
from compare.conformance.finding import Finding
from compare.contracts.backend import Backend, Device, Unsupported
from compare.contracts.devices import device_of
from compare.errors import unknown

ENDING = ("devices", "trainer")
"""Where one of these fails, none of the others after it can be made."""

ALONE = f"{COMPILED}: "
"""How checks begin that are made in a process of their own, where a mode tells that it compiles."""

OF_RANKS = "ranks: "
"""How checks begin that are made in a process of their own, which joined a group of ranks."""

_OF_THE_CONTRACT = ("devices", "imports", "trainer", "memory", "unsupported")
_CELLS = ("elman of 2 layers", "lstm of 2 layers", "gru of 2 layers")
_TRAINED = (*_CELLS, "transformer block, rotary", "pool, mean")
"""In many a framework only training is compiled: its numbers may differ where those of logits() and
gradients() are right."""
_RECURRENT = [name for name in MODELS if name.startswith(("elman", "lstm", "gru"))]
_FINISHING = ["elman of 2 layers", "lstm of 2 layers", "transformer block"]


class Checker:
    """Makes checks on a backend that was opened, in a process where nothing else runs.

    On the device with this label, or on the backend's first; `early` are the modules that were
    imported with the adapter's own.
    """

    def __init__(
        self, backend: Backend, oracle: Backend, device: str = "", early: Collection[str] = ()
    ) -> None:
        self._backend, self._oracle, self._device = backend, oracle, device
        self._early = early
        self._numeric = {check.name: check for check in all_checks()}

    def make(self, name: str) -> Finding:
        """Make the check of this name; AdapterError where there is no device of that label."""
        if name == "devices":
            return _run(name, self._backend, contract_checks.devices, self._backend)
        if name == "imports":
            return _run(name, self._backend, contract_checks.imports, self._backend, self._early)
        if name == "unsupported":
            return _run(name, self._backend, contract_checks.unsupported, self._backend)
        if name in self._numeric:
            check = self._numeric[name]
            return _run(name, self._backend, check.run, self._bench, check.case)
        of_a_trainer = {"trainer": contract_checks.trainer, "memory": contract_checks.memory}
        return _run(name, self._backend, of_a_trainer[name], self._bench)

    @cached_property
    def _bench(self) -> Bench:
        return Bench(self._backend, self._oracle, _chosen(self._backend.devices(), self._device))


def _chosen(devices: Sequence[Device], label: str) -> Device:
    found = device_of(label, devices) if label else devices[0]
    if found is None:
        there = ", ".join(device.label for device in devices)
        raise AdapterError(f"no device {label}: there is {there}")
    return found


def names() -> list[str]:
    """Every check by name, in the order in which they are made."""
    return [*_OF_THE_CONTRACT, *(check.name for check in all_checks())]


def named(text: str) -> list[str]:
    """The checks that a text names: one of them, all of a kind such as "logits", or all that are
    made on a case such as "gru of 2 layers". Raises UserError where there is none."""
    found = [name for name in names() if text in (name, *name.split(": ", 1))]
    if not found:
        raise unknown("case", text, {part for name in names() for part in name.split(": ", 1)})
    return found


def _run(name: str, backend: Backend, check: Callable[..., None], *arguments: Any) -> Finding:
    try:
        check(*arguments)
    except Unsupported as reason:
        return Finding(check=name, status="skipped", detail=f"not supported: {reason}")
    except Wrong as wrong:
        found = wrong.deviation
        return Finding(
            check=name, status="failed", detail=str(wrong), problem=found.problem,
            deviation=found.size, factor=found.factor, parameters=list(found.parameters),
            traceback=_lines(wrong.__cause__) if wrong.__cause__ else "",
        )  # fmt: skip
    except AdapterError as error:
        return Finding(check=name, status="failed", detail=str(error), problem="contract")
    except Exception as error:
        return Finding(
            check=name, status="failed", detail=told(error, backend), problem="exception",
            traceback=_lines(error),
        )  # fmt: skip
    return Finding(check=name, status="passed")


def _lines(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def all_checks() -> Iterator[Check]:
    """Those of numbers, in the order in which they are made."""
    for model in MODELS:
        yield Check("round trip", model, numeric_checks.round_trip, Case(model))
        yield Check("logits", model, numeric_checks.logits, Case(model))
        yield Check("gradients", model, numeric_checks.gradients, Case(model))
        if model in _RECURRENT:
            yield Check("state", model, numeric_checks.state, Case(model))
        if model in _FINISHING:
            yield Check("finished", model, numeric_checks.finished, Case(model))
    for optimizer in OPTIMIZERS:
        yield Check("optimizer", optimizer, numeric_checks.steps, Case("dense", optimizer))
    for model in _TRAINED:
        yield Check("training", model, numeric_checks.steps, Case(model))
    for optimizer in ("sgd with momentum", "adam"):
        case = Case("dense", optimizer)
        yield Check("several steps", optimizer, numeric_checks.several_steps, case)
    in_parts = (("accumulation", BATCH),)
    for model in ("lstm of 2 layers", "encoder-decoder"):
        yield Check("other shapes", model, numeric_checks.other_shapes, Case(model))
        yield Check("accumulation", model, numeric_checks.steps, Case(model, train=in_parts))
    case = Case(PADDED_TARGETS, train=in_parts)
    yield Check("accumulation", PADDED_TARGETS, numeric_checks.steps, case)
    yield Check("widths", "encoder-decoder", numeric_checks.widths, Case("encoder-decoder"))
    for precision in numeric_checks.ROUGH:
        case = Case("gru of 2 layers", train=(("dtype", precision),))
        yield Check("precision", precision, numeric_checks.precision, case)
    yield Check("native dropout", "dropout", numeric_checks.native_dropout, Case("dropout"))
    case = Case(PADDED_TARGETS, "clipping")
    yield Check("ranks", PADDED_TARGETS, numeric_checks.ranks, case)
    for model in LARGE:
        yield Check(COMPILED, model, numeric_checks.compiled, Case(model))
